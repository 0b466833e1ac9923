//! Marks that hooks leave for later ones, in folders of the user's own: small files that are of no use after a time.

use std::path::Path;
use std::time::Duration;

use crate::sys::place::OwnPath;

/// Takes away the marks that are older than this.
pub(super) fn take_away_old(marks: &OwnPath, old: Duration) {
    let age = |place: &OwnPath| place.stat().ok()??.modified.elapsed().ok();
    for name in marks.names().unwrap_or_default() {
        let mark = marks.join(Path::new(&name));
        if age(&mark).is_some_and(|age| age > old) {
            let _best_effort = mark.remove();
        }
    }
}
