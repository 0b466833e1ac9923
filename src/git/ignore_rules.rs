//! The rules of `.gitignore` files, as git reads and applies them.
//!
//! Pure. What is not understood to the last byte makes the whole file a `None`, and then git is asked. Source of the rules: git's
//! `dir.c` and `wildmatch.c`.

use std::collections::BTreeSet;

/// The rules of one file.
pub(super) struct RuleFile {
    /// The folder that it is about, with a `/` behind it; empty for the root.
    base: Vec<u8>,
    rules: Vec<Rule>,
}

struct Rule {
    pattern: Vec<u8>,
    /// How much of the pattern has no wildcard.
    literal: usize,
    negative: bool,
    only_folders: bool,
    /// Whether it is about a name in whatever folder.
    any_folder: bool,
}

impl RuleFile {
    /// Reads a file that is about a folder and all below it; `None` if it has anything that is not understood here.
    pub(super) fn read(base: &[u8], text: &[u8]) -> Option<RuleFile> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut rules = Vec::new();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && line[0] != b'#') {
            let line = without_blanks(line.strip_suffix(b"\r").unwrap_or(line));
            if line.contains(&0) || line.windows(2).any(|pair| pair == b"[:") {
                return None;
            }
            rules.push(Rule::of(line));
        }
        Some(RuleFile { base: base.to_vec(), rules })
    }

    /// Says whether a path is ignored (`true`) or expressly not (`false`); `None` if no rule is about it.
    pub(super) fn decide(&self, path: &[u8], is_folder: bool) -> Option<bool> {
        let below = path.strip_prefix(self.base.as_slice())?;
        let name = below.rsplit(|byte| *byte == b'/').next().unwrap_or(below);
        let fits = |rule: &&Rule| (is_folder || !rule.only_folders) && rule.fits(below, name);
        self.rules.iter().rev().find(fits).map(|rule| !rule.negative)
    }
}

impl Rule {
    fn of(line: &[u8]) -> Rule {
        let (negative, line) = match line.strip_prefix(b"!") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (only_folders, pattern) = match line.strip_suffix(b"/") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let literal = pattern.iter().position(|byte| b"*?[\\".contains(byte)).unwrap_or(pattern.len());
        let any_folder = !pattern.contains(&b'/');
        Rule { pattern: pattern.to_vec(), literal, negative, only_folders, any_folder }
    }

    fn fits(&self, path: &[u8], name: &[u8]) -> bool {
        if self.any_folder {
            return wildcard(&self.pattern, name, false);
        }
        let (mut pattern, mut literal) = (self.pattern.as_slice(), self.literal);
        if let Some(rest) = pattern.strip_prefix(b"/") {
            (pattern, literal) = (rest, literal.saturating_sub(1));
        }
        // Git compares what has no wildcard first, and takes what is behind it for a pattern of its own.
        match (pattern.get(..literal), pattern.get(literal..)) {
            (Some(begin), Some(rest)) => {
                path.strip_prefix(begin).is_some_and(|path| wildcard(rest, path, true))
            }
            _ => false,
        }
    }
}

/// Cuts blanks off the end, unless they are escaped.
fn without_blanks(line: &[u8]) -> &[u8] {
    let (mut end, mut at) = (None, 0);
    while let Some(byte) = line.get(at) {
        match byte {
            b' ' => end = end.or(Some(at)),
            b'\\' if at + 1 == line.len() => return line,
            b'\\' => (end, at) = (None, at + 1),
            _ => end = None,
        }
        at += 1;
    }
    &line[..end.unwrap_or(line.len())]
}

/// Says whether a text fits a pattern as a whole; `in_path`: wildcards fit no `/`, but for `**` between them.
fn wildcard(pattern: &[u8], text: &[u8], in_path: bool) -> bool {
    Fit { pattern, text, in_path, failed: BTreeSet::new() }.from(0, 0)
}

/// A comparison under way; what did not fit once is not tried again.
struct Fit<'a> {
    pattern: &'a [u8],
    text: &'a [u8],
    in_path: bool,
    failed: BTreeSet<(usize, usize)>,
}

impl Fit<'_> {
    fn from(&mut self, mut p: usize, mut t: usize) -> bool {
        while let Some(byte) = self.pattern.get(p).copied() {
            let here = self.text.get(t).copied();
            match (byte, here) {
                (b'*', _) => return self.star(p, t),
                (_, None) => return false,
                (b'?', Some(b'/')) if self.in_path => return false,
                (b'?', Some(_)) => p += 1,
                (b'[', Some(found)) => match class(&self.pattern[p + 1..], found) {
                    Some((fits, length)) if fits && !(self.in_path && found == b'/') => p += 1 + length,
                    _ => return false,
                },
                (b'\\', Some(found)) if self.pattern.get(p + 1) == Some(&found) => p += 2,
                (b'\\', _) => return false,
                (byte, Some(found)) if byte == found => p += 1,
                _ => return false,
            }
            t += 1;
        }
        t == self.text.len()
    }

    fn star(&mut self, p: usize, t: usize) -> bool {
        let stars = self.pattern[p..].iter().take_while(|byte| **byte == b'*').count();
        let rest = p + stars;
        let begins = p == 0 || self.pattern[p - 1] == b'/';
        let ends = matches!(self.pattern[rest..], [] | [b'/', ..] | [b'\\', b'/', ..]);
        let is_deep = stars > 1 && begins && ends;
        if is_deep && self.pattern.get(rest) == Some(&b'/') && self.once(rest + 1, t) {
            return true;
        }
        for at in t..=self.text.len() {
            if self.once(rest, at) {
                return true;
            }
            if self.in_path && !is_deep && self.text.get(at) == Some(&b'/') {
                return false;
            }
        }
        false
    }

    fn once(&mut self, p: usize, t: usize) -> bool {
        if self.failed.contains(&(p, t)) {
            return false;
        }
        let fits = self.from(p, t);
        if !fits {
            self.failed.insert((p, t));
        }
        fits
    }
}

/// Says whether a byte is in a class of which this is what stands behind the `[`, and how long that is; `None` if it does not
/// end.
fn class(pattern: &[u8], found: u8) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let (mut at, mut before, mut fits) = (usize::from(negated), None, false);
    let first = at;
    loop {
        let byte = *pattern.get(at)?;
        if byte == b']' && at > first {
            return Some((fits != negated, at + 1));
        }
        match (byte, before, pattern.get(at + 1)) {
            (b'\\', _, _) => {
                at += 1;
                let byte = *pattern.get(at)?;
                fits |= byte == found;
                before = Some(byte);
            }
            (b'-', Some(from), Some(to)) if *to != b']' => {
                at += if *to == b'\\' { 2 } else { 1 };
                let to = *pattern.get(at)?;
                fits |= (from..=to).contains(&found);
                before = None;
            }
            _ => {
                fits |= byte == found;
                before = Some(byte);
            }
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(rules: &str, base: &str, path: &str) -> Option<bool> {
        let file = RuleFile::read(base.as_bytes(), rules.as_bytes()).expect("understood");
        let is_folder = path.ends_with('/');
        file.decide(path.trim_end_matches('/').as_bytes(), is_folder)
    }

    #[test]
    fn rules_fit_as_git_says() {
        for (rules, path, wanted) in [
            ("*.o", "a/b.o", Some(true)),
            ("*.o", "b.ob", None),
            ("*.o\n!keep.o", "a/keep.o", Some(false)),
            ("build/", "build", None),
            ("build/", "x/build/", Some(true)),
            ("/build", "build", Some(true)),
            ("/build", "x/build", None),
            ("a/b", "a/b", Some(true)),
            ("a/b", "x/a/b", None),
            ("**/b", "b", Some(true)),
            ("**/b", "x/y/b", Some(true)),
            ("a/**/b", "a/b", Some(true)),
            ("a/**/b", "a/x/y/b", Some(true)),
            ("a/**", "a/x/y", Some(true)),
            ("a/**", "a", None),
            ("a/*", "a/x/y", None),
            ("a/*", "a/x", Some(true)),
            ("a*b", "a/b", None),
            ("x/a**b", "x/a/b", None),
            // What stands before the first wildcard is compared by itself.
            ("x/a**/b", "x/aq/r/b", Some(true)),
            ("# a\n\\#a", "#a", Some(true)),
            ("\\!a", "!a", Some(true)),
            ("a  ", "a", Some(true)),
            ("a\\ ", "a ", Some(true)),
            ("a\r\n", "a", Some(true)),
            ("[a-c]x", "bx", Some(true)),
            ("[!a-c]x", "bx", None),
            ("[^a]x", "bx", Some(true)),
            ("[]-]x", "]x", Some(true)),
            ("[a\\]b]x", "]x", Some(true)),
            ("[ab", "[ab", None),
            ("a?c", "abc", Some(true)),
            ("/a?c", "a/c", None),
            ("\u{feff}a", "a", Some(true)),
            ("", "a", None),
            ("/", "a", None),
            ("!", "a", None),
            ("*", ".hidden", Some(true)),
            ("a\\", "a", None),
        ] {
            assert_eq!(decided(rules, "", path), wanted, "{rules:?} {path:?}");
        }
        assert_eq!(decided("/x\ny", "sub/", "sub/x"), Some(true));
        assert_eq!(decided("/x\ny", "sub/", "sub/z/x"), None);
        assert_eq!(decided("/x\ny", "sub/", "sub/z/y"), Some(true));
        assert!(RuleFile::read(b"", b"[[:alpha:]]").is_none());
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_longer_than_any_other() {
        let pattern = "*a".repeat(60) + "b";
        assert_eq!(decided(&pattern, "", &"a".repeat(200)), None);
    }
}
