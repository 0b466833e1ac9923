//! The file name that is made from a snapshot's name: readable, plain on every system, and different from all others even if
//! case does not count.

const LONGEST_STEM: usize = 60;

/// Names that Windows gives to devices, which no file may have there.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// Returns the file names to try for a name, best first, without `.json`.
pub(super) fn stems_for(name: &str) -> impl Iterator<Item = String> {
    let mut stem = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        let plain = c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
        match (plain, stem.ends_with('-')) {
            (true, _) => stem.push(c),
            (false, false) => stem.push('-'),
            (false, true) => {}
        }
    }
    stem.truncate(LONGEST_STEM);
    let mut stem = stem.trim_matches(['-', '.']).to_owned();
    let is_device = DEVICES.iter().any(|device| {
        let base = stem.split('.').next().unwrap_or_default();
        base == *device
            || (base.len() == 4 && base.starts_with(device) && base.ends_with(|c: char| c.is_ascii_digit()))
    });
    if stem.is_empty() || is_device {
        stem = format!("snapshot-{stem}").trim_end_matches('-').to_owned();
    }
    std::iter::once(stem.clone()).chain((2..10_000).map(move |n| format!("{stem}-{n}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stem(name: &str) -> String {
        stems_for(name).next().expect("at least one")
    }

    #[test]
    fn file_names_are_readable_and_plain_everywhere() {
        assert_eq!(stem("before api refactor"), "before-api-refactor");
        assert_eq!(stem("Before/API: v1.2"), "before-api-v1.2");
        assert_eq!(stem("../../etc/passwd"), "etc-passwd");
        assert_eq!(stem("日本"), "snapshot");
        assert_eq!(stem("CON"), "snapshot-con");
        assert_eq!(stem("com1.x"), "snapshot-com1.x");
        assert_eq!(stem(&"x".repeat(500)).len(), 60);
        assert_eq!(stems_for("a").nth(1).as_deref(), Some("a-2"));
    }
}
