//! Names that are like one that was typed and is not there. Pure. Owns `strsim`.

use super::screen::for_shell;

/// How a hint begins that names what may have been meant.
pub const MEANT: &str = "did you mean";

/// The most names that are suggested.
const MOST: usize = 3;

/// How much of a name has to be the same, of 1.
const LEAST: f64 = 0.6;

/// A shorter beginning of a name is not looked at.
const SHORTEST_BEGINNING: usize = 5;

/// Returns the names that may have been meant, the likeliest first.
pub fn names_like<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let typed = typed.to_lowercase();
    let rated = |name: &'a str| {
        let lower = name.to_lowercase();
        let holds = typed.chars().nth(1).is_some() && lower.contains(&typed);
        let same = |name: &str| strsim::normalized_damerau_levenshtein(&typed, name);
        let begun: String = lower.chars().take(typed.chars().count()).collect();
        // Of a few letters, any name is like the beginning.
        let begun = if begun.len() < SHORTEST_BEGINNING { 0.0 } else { same(&begun) * 0.99 };
        (if holds { 1.0 } else { same(&lower).max(begun) }, name)
    };
    let mut rated: Vec<(f64, &str)> = names.map(rated).filter(|(rate, _)| *rate >= LEAST).collect();
    // The sort keeps the newest first among equals.
    rated.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut near: Vec<String> = rated.into_iter().map(|(_, name)| name.to_owned()).collect();
    near.dedup();
    near.truncate(MOST);
    near
}

/// Asks whether one of these names was meant, each as it can be pasted; `None` if there are none.
pub fn was_meant(alike: &[String]) -> Option<String> {
    let names: Vec<String> = alike.iter().map(|name| for_shell(name)).collect();
    (!names.is_empty()).then(|| format!("{MEANT} {}?", names.join(" or ")))
}

/// Says which names there are, and which of them may have been meant; `all` has commas between them.
pub fn there_are(typed: &str, all: &str) -> String {
    match names_like(typed, all.split(", ")).first() {
        Some(like) => format!("{MEANT} {like}? There is {all}"),
        None => format!("there is {all}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_mistyped_or_is_only_a_part_is_found() {
        let names = ["wip", "before api refactor", "before-api-refactor", "other"];
        for (typed, wanted) in [
            ("before-api-refactr", &["before-api-refactor", "before api refactor"][..]),
            ("API", &["before api refactor", "before-api-refactor"]),
            ("wpi", &["wip"]),
            ("befor api", &["before api refactor", "before-api-refactor"]),
            ("nothing like it", &[]),
            // Nearly every name has it somewhere.
            ("e", &[]),
            ("", &[]),
        ] {
            assert_eq!(names_like(typed, names.into_iter()), wanted, "{typed:?}");
        }
    }
}
