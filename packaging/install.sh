#!/bin/sh
# Installs snap for this user: `sh install.sh`. Takes the archive of this system from a release, checks its checksum, and puts the one
# program into ~/.local/bin. To uninstall, remove that file.
#
# SNAP_RELEASE: the address of the release's files. SNAP_BIN: the folder to install into.
set -eu
release=${SNAP_RELEASE:-https://github.com/OWNER/REPOSITORY/releases/latest/download}
bin=${SNAP_BIN:-$HOME/.local/bin}

fail() { echo "error: $1" >&2; exit 1; }

case $(uname -m) in
  x86_64 | amd64) cpu=x86_64 ;;
  aarch64 | arm64) cpu=aarch64 ;;
  *) fail "there is no program for $(uname -m): build it with cargo" ;;
esac
case $(uname -s) in
  Darwin) target=$cpu-apple-darwin ;;
  # The one for musl needs nothing of the system, but the other is faster.
  Linux) if ldd --version 2>&1 | grep -qi 'gnu\|glibc'; then target=$cpu-unknown-linux-gnu; else target=$cpu-unknown-linux-musl; fi ;;
  *) fail "there is no program for $(uname -s); on Windows, use WSL" ;;
esac

if command -v curl >/dev/null 2>&1; then
  get() { curl -fsSL -o "$2" "$1"; }
elif command -v wget >/dev/null 2>&1; then
  get() { wget -qO "$2" "$1"; }
else
  fail "curl or wget is needed"
fi
if command -v sha256sum >/dev/null 2>&1; then
  sum() { sha256sum "$1"; }
elif command -v shasum >/dev/null 2>&1; then
  sum() { shasum -a 256 "$1"; }
else
  fail "sha256sum or shasum is needed"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=claude-snap-$target.tar.gz
get "$release/$archive" "$work/$archive" || fail "cannot get $release/$archive"
get "$release/SHA256SUMS" "$work/SHA256SUMS" || fail "cannot get $release/SHA256SUMS"
wanted=$(awk -v name="$archive" '$2 == name { print $1 }' "$work/SHA256SUMS")
is=$(sum "$work/$archive" | cut -d' ' -f1)
[ -n "$wanted" ] || fail "SHA256SUMS does not have $archive"
[ "$is" = "$wanted" ] || fail "the checksum of $archive is wrong: nothing was installed"
tar -C "$work" -xzf "$work/$archive"
mkdir -p "$bin"
# Beside it first, so that a program that runs is never half replaced.
cp "$work/claude-snap-$target/snap" "$bin/.snap-new"
chmod 755 "$bin/.snap-new"
mv -f "$bin/.snap-new" "$bin/snap"
echo "installed $bin/snap"
case :$PATH: in
  *:"$bin":*) ;;
  *) echo "hint: $bin is not in your PATH" ;;
esac
