#!/bin/sh
# What a CI job does with snap, from an empty machine to the pushed result: read it for a job of your own.
#
#   tests/ci/job.sh REMOTE FOLDER
#
# REMOTE is the repository's address, FOLDER an empty folder to work in. `claude-snap` (or `snap`) and `git` are on the PATH. CLIENT is the
# client's command (default `claude`); NAME names what is saved. No terminal, no git identity and no writable HOME is
# needed: the client's folder is put below FOLDER.
set -eu
remote=$1
folder=$2
scripts=$(cd "$(dirname "$0")/../../.github/actions/snap" && pwd)
export CLAUDE_CONFIG_DIR="$folder/claude"

# 1. The checkout, as shallow as runners make it.
git clone --quiet --depth=1 "$remote" "$folder/checkout"
cd "$folder/checkout"

# 2. In a container, root often works on somebody else's tree. git refuses that until it is told, and so does snap.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="$PWD"

# 3. The newest snapshot, restored: edits in the checkout, the session where the client finds it.
session=$("$scripts/restore.sh")

# 4. The work.
if [ -n "$session" ]; then
  ${CLIENT:-claude} -p --resume "$session" "go on, then run the tests"
fi

# 5. What came of it, for whoever pulls it.
SNAP_NAME="${NAME:-job}" "$scripts/save.sh"
