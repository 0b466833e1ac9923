#!/bin/sh
# Saves what the job did and pushes it. Reads SNAP_REMOTE, SNAP_NAME and SNAP_MESSAGE.
set -eu
snap save "${SNAP_NAME:?a name for the snapshot}" --message "${SNAP_MESSAGE:-saved by a job}"
snap push "${SNAP_REMOTE:-origin}" "$SNAP_NAME"
