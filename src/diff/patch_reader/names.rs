//! The names in the headers of a diff, whatever prefix they have: `a/`, `i/`, none, or one of the user's
//! own.
//!
//! The part that both names end with, from the beginning of a folder on, is the file's name. So the prefix
//! need not be known.

use super::super::file::unquoted;

/// Returns the names on both sides in a `diff --git` line, for files that have no others; twice the line
/// itself if they can't be found.
pub(super) fn of_git_line(names: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let candidates = memchr::memchr_iter(b' ', names).map(|at| (&names[..at], &names[at + 1..]));
    let halves: Vec<(Vec<u8>, Vec<u8>)> = candidates
        .filter(|(old, new)| is_whole(old) && is_whole(new))
        .map(|(old, new)| (unquoted(old), unquoted(new)))
        .collect();
    if let Some((same, _)) = halves.iter().find(|(old, new)| old == new) {
        return (same.clone(), same.clone());
    }
    // Of several ways to read it, the one with the longest name: a blank in a folder's name is likelier than in a prefix.
    let common = |(old, new): &(Vec<u8>, Vec<u8>)| {
        let (old_rest, new_rest) = (below(old)?, below(new)?);
        (old_rest == new_rest).then(|| new_rest.to_vec())
    };
    if let Some(name) = halves.iter().filter_map(common).max_by_key(Vec::len) {
        return (name.clone(), name);
    }
    let likely = |(old, new): &&(Vec<u8>, Vec<u8>)| (has_usual_prefixes(old, new), shared(old, new).len());
    let two = halves.iter().max_by_key(likely);
    two.map_or_else(|| (names.to_vec(), names.to_vec()), |(old, new)| without_prefixes(old, new, true))
}

/// Says whether two names begin with the letters that git puts before the names of the two sides.
fn has_usual_prefixes(old: &[u8], new: &[u8]) -> bool {
    strip(old) != old && strip(new) != new && old.first() != new.first()
}

/// Says whether a text is a quoted name, or one without quotes.
fn is_whole(name: &[u8]) -> bool {
    let quotes = name.len() > 1 && name.starts_with(b"\"") && name.ends_with(b"\"");
    !name.is_empty() && (quotes || !name.contains(&b'"'))
}

/// Returns the name in a `---` or `+++` line, as it is written there; `None` for `/dev/null`.
pub(super) fn of_side(text: &[u8]) -> Option<Vec<u8>> {
    // Other programs put a time behind the name, git only the tab.
    let text = text.split(|byte| *byte == b'\t').next().unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    (text != b"/dev/null").then(|| unquoted(text))
}

/// Returns the file's names on both sides without their prefixes, from the `---` and `+++` lines; `of_git`
/// if git wrote them.
pub(super) fn without_prefixes(old: &[u8], new: &[u8], of_git: bool) -> (Vec<u8>, Vec<u8>) {
    if old == new {
        return (old.to_vec(), new.to_vec());
    }
    let usual = has_usual_prefixes(old, new);
    match shared(old, new) {
        _ if of_git && usual => (strip(old), strip(new)),
        b"" if usual => (strip(old), strip(new)),
        b"" => (old.to_vec(), new.to_vec()),
        same => (same.to_vec(), same.to_vec()),
    }
}

/// What two names have in common at their ends, from where a name begins.
fn shared<'n>(old: &[u8], new: &'n [u8]) -> &'n [u8] {
    let len = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let end = &new[new.len() - len..];
    memchr::memchr(b'/', end).map_or(b"", |at| &end[at + 1..])
}

/// What is below the first folder.
fn below(name: &[u8]) -> Option<&[u8]> {
    memchr::memchr(b'/', name).map(|at| &name[at + 1..])
}

/// Takes off the letter and slash that git puts before names, whichever are configured.
pub(super) fn strip(name: &[u8]) -> Vec<u8> {
    match name {
        [b'a' | b'b' | b'c' | b'i' | b'o' | b'w', b'/', rest @ ..] => rest.to_vec(),
        _ => name.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_whatever_stands_before_them() {
        for (line, name) in [
            ("a/x b/x", "x"),
            ("a/x y b/x y", "x y"),
            ("a/x", "a/x"),
            ("a/x a/x", "a/x"),
            ("x x", "x"),
            ("a b a b", "a b"),
            ("i/src/x w/src/x", "src/x"),
            ("old/x newer/x", "x"),
            ("\"a/\\303\\251\" \"b/\\303\\251\"", "é"),
            ("a/trail  b/trail ", "trail "),
        ] {
            let (old, new) = of_git_line(line.as_bytes());
            let names = [old, new].map(|name| String::from_utf8_lossy(&name).into_owned());
            assert_eq!(names, [name, name], "{line}");
        }
        for (line, names) in [
            ("a/older.rs b/newer.rs", ["older.rs", "newer.rs"]),
            ("a/x/f1 b/y/f2", ["x/f1", "y/f2"]),
            ("a/x/f b/y/f", ["x/f", "y/f"]),
            ("a/x y b/z w", ["x y", "z w"]),
            ("one two", ["one", "two"]),
        ] {
            let (old, new) = of_git_line(line.as_bytes());
            assert_eq!([old, new].map(|name| String::from_utf8_lossy(&name).into_owned()), names, "{line}");
        }
        for (old, new, names) in [
            ("a/x", "b/x", ("x", "x")),
            ("a/x", "a/x", ("a/x", "a/x")),
            ("A/sub/x", "B/sub/x", ("sub/x", "sub/x")),
            ("old/x", "newer/x", ("x", "x")),
            ("one.txt", "two.txt", ("one.txt", "two.txt")),
            ("a/one", "b/two", ("one", "two")),
            ("a/one", "a/two", ("a/one", "a/two")),
        ] {
            let (a, b) = without_prefixes(old.as_bytes(), new.as_bytes(), false);
            assert_eq!(
                (String::from_utf8_lossy(&a).as_ref(), String::from_utf8_lossy(&b).as_ref()),
                names,
                "{old} {new}"
            );
        }
    }
}
