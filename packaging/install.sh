#!/bin/sh
# Installs snap for this user: `sh install.sh`. Takes the archive of this system from a release, checks its checksum, and puts the
# program, its manual pages and its completions below ~/.local. `sh install.sh --uninstall` removes them again.
#
# The program has two names, `snap` and `claude-snap`. If another program is called `snap` on the PATH, only the long one is
# installed, unless SNAP_SHORT=1. SNAP_RELEASE: the address of the release's files. SNAP_PREFIX: the folder to install below.
set -eu
release=${SNAP_RELEASE:-https://github.com/OWNER/REPOSITORY/releases/latest/download}
prefix=${SNAP_PREFIX:-$HOME/.local}
bin=$prefix/bin share=$prefix/share

fail() { echo "error: $1" >&2; exit 1; }

# Removes what was installed under a name, and folders that are empty then.
remove() {
  rm -f "$bin/$1" "$share/man/man1/$1.1" "$share/man/man1/$1"-*.1 "$share/bash-completion/completions/$1" \
    "$share/zsh/site-functions/_$1" "$share/fish/vendor_completions.d/$1.fish"
}

if [ "${1:-}" = --uninstall ]; then
  # `snap` there is ours only if it is a link to the long name.
  [ "$(readlink "$bin/snap" || true)" != claude-snap ] || remove snap
  remove claude-snap
  for folder in man/man1 man bash-completion/completions bash-completion zsh/site-functions zsh fish/vendor_completions.d fish; do
    rmdir "$share/$folder" 2>/dev/null || true
  done
  echo "removed from $prefix; your snapshots are untouched"
  exit 0
fi

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
mkdir -p "$bin" "$share"

# Another program of the short name, wherever a shell looks for one.
other=
IFS=:
for folder in $PATH; do
  if [ "$folder" != "$bin" ] && [ -x "$folder/snap" ] && [ -z "$other" ]; then
    other=$folder/snap
  fi
done
unset IFS
[ -z "${SNAP_SHORT:-}" ] || other=

from=$work/claude-snap-$target
# Beside it first, so that a program that runs is never half replaced.
cp "$from/bin/snap" "$bin/.snap-new"
chmod 755 "$bin/.snap-new"
mv -f "$bin/.snap-new" "$bin/claude-snap"
names=claude-snap
if [ -z "$other" ]; then
  ln -sf claude-snap "$bin/snap"
  names="claude-snap snap"
fi
for name in $names; do
  for file in "man/man1/$name.1" "man/man1/$name-*.1" "bash-completion/completions/$name" "zsh/site-functions/_$name" \
    "fish/vendor_completions.d/$name.fish"; do
    (cd "$from/share" && for one in $file; do
      [ -f "$one" ] || continue
      mkdir -p "$share/${one%/*}"
      cp "$one" "$share/$one"
    done)
  done
done
echo "installed $bin/claude-snap"
if [ -n "$other" ]; then
  echo "note: $other is another program, so the short name was not installed: type claude-snap"
fi
case :$PATH: in
  *:"$bin":*) ;;
  *) echo "hint: $bin is not in your PATH" ;;
esac
