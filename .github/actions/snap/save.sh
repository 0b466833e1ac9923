#!/bin/sh
# Saves what the job did and pushes it. Reads SNAP_REMOTE, SNAP_NAME and SNAP_MESSAGE.
set -eu
# By the name that no other program has, where it is.
snap=$(command -v claude-snap || command -v snap) || { echo 'error: claude-snap is missing: npm install -g claude-snap' >&2; exit 1; }
"$snap" save "${SNAP_NAME:?a name for the snapshot}" --message "${SNAP_MESSAGE:-saved by a job}"
"$snap" push "${SNAP_REMOTE:-origin}" "$SNAP_NAME"
