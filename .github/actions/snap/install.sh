#!/bin/sh
# Brings claude-snap into a job. Reads SNAP_VERSION, and SNAP_FOLDER, where it is kept for the next job. npm installs it if it is
# there (from SNAP_REGISTRY, if that is set); else it is the archive of a release, by its checksum. A program that is on the PATH
# already, in this version, is used as it is. Prints the folder for the PATH, and tells it to the job.
set -eu
version=${SNAP_VERSION:?a version}
folder=${SNAP_FOLDER:?a folder}

is_there() {
  case $("$1" --version 2>/dev/null) in
    *"snap $version") true ;;
    *) false ;;
  esac
}

if is_there claude-snap; then
  bin=$(command -v claude-snap)
  bin=${bin%/*}
else
  for bin in "$folder/node_modules/.bin" "$folder/bin"; do
    if is_there "$bin/claude-snap"; then break; fi
  done
  if ! is_there "$bin/claude-snap"; then
    mkdir -p "$folder"
    if command -v npm >/dev/null 2>&1; then
      bin=$folder/node_modules/.bin
      npm install --prefix "$folder" --no-save --no-audit --no-fund --ignore-scripts ${SNAP_REGISTRY:+--registry "$SNAP_REGISTRY"} \
        "claude-snap@$version" >&2
    else
      bin=$folder/bin
      SNAP_PREFIX=$folder SNAP_SHORT=1 sh "$(dirname "$0")/../../../packaging/install.sh" >&2
    fi
    is_there "$bin/claude-snap" || { echo "error: this is not claude-snap $version: $bin/claude-snap" >&2; exit 1; }
  fi
fi
if [ -n "${GITHUB_PATH:-}" ]; then
  echo "$bin" >>"$GITHUB_PATH"
fi
echo "$bin"
