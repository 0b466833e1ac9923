//! Which lines of the log here go to the remote next: none from before sharing began, each once.

use super::joined::Joined;
use crate::base::digest::ObjectId;
use crate::store::LogEntry;
use crate::workspace::Workspace;

/// Returns the lines that come next: those behind the last one that went there, and behind where sharing began. It is the order of the
/// lines that counts: a clock may have been wrong.
pub(super) fn next_lines<'l>(
    log: &'l [LogEntry],
    upto: &str,
    joined: &Joined,
    most: usize,
) -> Vec<&'l LogEntry> {
    let sent = behind(log, upto);
    let wanted = |entry: &&LogEntry| joined.after.is_some() || entry.at >= joined.since;
    let begun = joined.after.as_deref().map_or(0, |key| behind(log, key));
    log.iter().skip(sent.max(begun)).filter(wanted).take(most).collect()
}

/// Returns how many lines there are up to the one with this key; if that is gone, up to the last one of its moment or earlier.
fn behind(log: &[LogEntry], key: &str) -> usize {
    let moment = key.split_once('-').and_then(|(at, _)| at.parse::<i64>().ok());
    let at = log.iter().rposition(|entry| line_key(entry) == key);
    let earlier = |moment: i64| log.iter().rposition(|entry| entry.at.as_millis() <= moment);
    at.or_else(|| moment.and_then(earlier)).map_or(0, |at| at + 1)
}

/// Returns what tells a line of the log from others: nothing that goes from it when a snapshot is removed for good.
pub(super) fn line_key(entry: &LogEntry) -> String {
    let LogEntry { at, operation, snapshot, session, safety, batch, .. } = entry;
    let told = serde_json::to_vec(&(operation, snapshot, session, safety, batch)).unwrap_or_default();
    format!("{}-{}", at.as_millis(), &ObjectId::of(&told).to_string()[..24])
}

/// Returns what tells the last line of a log from others, for who begins to share; empty if there is none.
pub fn last_line(workspace: &Workspace) -> String {
    workspace.store.own_log().ok().and_then(|log| log.last().map(line_key)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::timestamp::Timestamp;
    use crate::store::Operation;

    fn line(at: i64, name: &str) -> LogEntry {
        LogEntry {
            name: name.to_owned(),
            ..LogEntry::begun(Operation::Save, Timestamp::from_millis(at), ("ada", "desk"))
        }
    }

    fn joined(since: i64, after: Option<String>) -> Joined {
        Joined {
            home: "/home/ada/app".into(),
            remote: "origin".to_owned(),
            leads_to: Vec::new(),
            private: false,
            since: Timestamp::from_millis(since),
            after,
            clone: "abcd".to_owned(),
            former: Vec::new(),
            off: false,
        }
    }

    fn after<'l>(log: &'l [LogEntry], upto: &str, joined: &Joined) -> Vec<&'l LogEntry> {
        next_lines(log, upto, joined, 100)
    }

    #[test]
    fn what_was_done_before_sharing_began_never_goes_and_all_that_came_later_does_whatever_the_clock_said() {
        let log = [line(5_000, "before"), line(1_000, "late"), line(9_000, "later")];
        for since in [0, 99_999] {
            let joined = joined(since, Some(line_key(&log[0])));
            assert_eq!(after(&log, "", &joined), [&log[1], &log[2]]);
            assert_eq!(after(&log, &line_key(&log[1]), &joined), [&log[2]]);
        }
        let all = joined(0, Some(String::new()));
        assert_eq!(after(&log, "", &all).len(), 3);
        assert_eq!(after(&log, "", &joined(6_000, None)), [&log[2]], "without a line, the moment counts");
    }

    #[test]
    fn a_line_goes_once_though_its_name_is_taken_out_of_it() {
        let log = [line(1_000, "one"), line(2_000, "two"), line(3_000, "three")];
        let upto = line_key(&log[1]);
        let forgotten = [line(1_000, ""), line(2_000, ""), line(3_000, "three")];
        assert_eq!(after(&forgotten, &upto, &joined(0, None)), [&forgotten[2]]);
        let pruned = [line(1_000, "one"), line(3_000, "three")];
        assert_eq!(after(&pruned, &upto, &joined(0, None)), [&pruned[1]], "the line itself is gone");
    }
}
