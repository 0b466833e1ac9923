//! Numbers, sizes, times and shell words as people read them. Pure.

pub(crate) use crate::base::screen::quoted;

/// Formats a size: `812 B`, `3.4 KiB`, `1.2 MiB`.
pub(crate) fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut whole = bytes;
    let mut rest = 0;
    let mut unit = "B";
    for next in UNITS {
        if whole < 1_024 {
            break;
        }
        rest = whole % 1_024;
        whole /= 1_024;
        unit = next;
    }
    match unit {
        "B" => format!("{bytes} B"),
        _ => format!("{whole}.{} {unit}", rest * 10 / 1_024),
    }
}

/// Formats a number of things: `1 file`, `3 files`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// The same for a number of 64 bits.
pub(crate) fn count_u64(number: u64, thing: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), thing)
}

/// Says how long ago something was, from its [`crate::base::timestamp::age`]: `just now`, `3h ago`.
pub(crate) fn ago(age: &str) -> String {
    match age {
        "now" => "just now".to_owned(),
        // By a clock that is wrong.
        age if age.starts_with("in ") => age.to_owned(),
        age => format!("{age} ago"),
    }
}

/// Shortens a commit's id.
pub(crate) fn short_commit(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!([size_text(0), size_text(1_023), size_text(1_536)], ["0 B", "1023 B", "1.5 KiB"]);
        assert_eq!(size_text(5 << 30), "5.0 GiB");
    }
}
