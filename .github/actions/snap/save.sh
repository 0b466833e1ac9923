#!/bin/sh
# Saves what the job did and pushes it. Reads SNAP_REMOTE, SNAP_NAME and SNAP_MESSAGE.
#
# Into the folder SNAP_REPORT, if it is set, it writes a page of the snapshot (report.html) and a note (report.md). The note is
# shown with the job too, where there is a GITHUB_STEP_SUMMARY.
set -eu
# By the name that no other program has, where it is.
snap=$(command -v claude-snap || command -v snap) || { echo 'error: claude-snap is missing: npm install -g claude-snap' >&2; exit 1; }
"$snap" save "${SNAP_NAME:?a name for the snapshot}" --message "${SNAP_MESSAGE:-saved by a job}"
"$snap" push "${SNAP_REMOTE:-origin}" "$SNAP_NAME"
if [ -n "${SNAP_REPORT:-}" ]; then
  mkdir -p "$SNAP_REPORT"
  # 6: made, but an edit's base or an image could not be shown; the page says which.
  make() { "$snap" report "$SNAP_NAME" --force -o "$SNAP_REPORT/$1" --format "$2" || [ $? -eq 6 ]; }
  # What was saved is safe: a report that can't be made, as of one with an open secret, is said and no more.
  if make report.html html && make report.md markdown; then
    [ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$SNAP_REPORT/report.md" >>"$GITHUB_STEP_SUMMARY"
    [ -z "${GITHUB_OUTPUT:-}" ] || echo "report=$SNAP_REPORT" >>"$GITHUB_OUTPUT"
  else
    echo 'note: no report was made of it' >&2
  fi
fi
