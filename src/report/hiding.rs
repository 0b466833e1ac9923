//! What `--redact` hides: the edits of a path under all its names, and every text of a call that names one of them.
//!
//! Pure. It rather hides too much: a name is found in many spellings (`spelled_names`), and the
//! last name of a path is enough, as behind a `cd`. A path with `*`, `?` or `[…]` in it is a pattern too: for paths, where `*`
//! also stands for slashes, and its last name for each word of a text.

use std::cell::Cell;

use glob::{MatchOptions, Pattern};

use super::spelled_names::{folded, has_name, readings, same};
use crate::base::paths::RepoPath;
use crate::manifest::Manifest;

/// How patterns of paths are compared.
const ANY_CASE: MatchOptions = MatchOptions {
    case_sensitive: false,
    require_literal_separator: false,
    require_literal_leading_dot: false,
};

/// Everything that is hidden.
#[derive(Debug, Default)]
pub(super) struct Hiding(Vec<Hidden>);

/// A path that is hidden.
#[derive(Debug)]
struct Hidden {
    given: String,
    /// The path, and what was renamed from or to something in it.
    paths: Vec<RepoPath>,
    /// The last names of these and of everything edited in them, as texts are compared.
    names: Vec<String>,
    pattern: Option<HiddenPattern>,
    /// Whether anything was hidden by it.
    found: Cell<bool>,
}

/// A pattern of paths, and of words.
#[derive(Debug)]
struct HiddenPattern {
    path: Pattern,
    /// Its last name, as texts are compared.
    word: Pattern,
}

impl HiddenPattern {
    fn of(path: &RepoPath) -> Option<HiddenPattern> {
        let text = path.to_string();
        let is_pattern = text.contains(['*', '?', '[']);
        // What is no pattern is a name.
        let patterns = (Pattern::new(&text).ok()?, Pattern::new(&last_name(path)?).ok()?);
        is_pattern.then_some(HiddenPattern { path: patterns.0, word: patterns.1 })
    }

    /// Says whether it stands for a path, or for a folder that this is in; without a slash, also for a name in any folder.
    fn fits(&self, path: &RepoPath) -> bool {
        let mut folder = String::new();
        path.components().any(|name| {
            let name = name.to_string_lossy();
            folder.push_str(if folder.is_empty() { "" } else { "/" });
            folder.push_str(&name);
            let fits = |text: &str| self.path.matches_with(text, ANY_CASE);
            fits(&folder) || fits(&name)
        })
    }

    fn is_in_words(&self, text: &str) -> bool {
        let parts = |character: char| character.is_whitespace() || "/:,;()<>{}|=&@".contains(character);
        // A word may be the end of a sentence.
        let fits = |word: &str| {
            !word.is_empty()
                && (self.word.matches(word) || self.word.matches(word.trim_end_matches(['.', '!', '?'])))
        };
        text.split(parts).any(fits)
    }
}

impl Hiding {
    /// Finds all names of these paths in the edits of some snapshots.
    pub(super) fn of<'m>(
        paths: &[RepoPath],
        manifests: impl Iterator<Item = &'m Manifest> + Clone,
    ) -> Hiding {
        let hidden = |path: &RepoPath| {
            let mut paths = vec![path.clone()];
            let mut named = vec![path.clone()];
            let pattern = HiddenPattern::of(path);
            let is_hidden = |one: &RepoPath| {
                is_spelled_so(path, one) || pattern.as_ref().is_some_and(|pattern| pattern.fits(one))
            };
            for edit in manifests.clone().flat_map(Manifest::edited_files) {
                let both = [Some(&edit.path), edit.from.as_ref().map(|from| &from.path)];
                if both.into_iter().flatten().any(is_hidden) {
                    named.extend(both.into_iter().flatten().cloned());
                    paths.extend(both.into_iter().flatten().filter(|one| !is_hidden(one)).cloned());
                }
            }
            let mut names: Vec<String> = named.iter().filter_map(last_name).collect();
            names.sort();
            names.dedup();
            Hidden { given: path.to_string(), paths, names, pattern, found: Cell::new(false) }
        };
        Hiding(paths.iter().map(hidden).collect())
    }

    /// Says whether the content of this path stays out.
    pub(super) fn hides(&self, path: &RepoPath) -> bool {
        self.any(|hidden| {
            hidden.paths.iter().any(|one| is_spelled_so(one, path))
                || hidden.pattern.as_ref().is_some_and(|pattern| pattern.fits(path))
        })
    }

    /// Says whether a text names what is hidden.
    pub(super) fn is_named_in(&self, text: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let readings = readings(text);
        self.any(|hidden| {
            readings.iter().any(|reading| {
                hidden.names.iter().any(|name| has_name(reading, name))
                    || hidden.pattern.as_ref().is_some_and(|pattern| pattern.is_in_words(reading))
            })
        })
    }

    /// Returns the paths by which nothing was hidden.
    pub(super) fn not_found(&self) -> Vec<&str> {
        self.0.iter().filter(|hidden| !hidden.found.get()).map(|hidden| hidden.given.as_str()).collect()
    }

    fn any(&self, is_hidden: impl Fn(&Hidden) -> bool) -> bool {
        let found = self.0.iter().filter(|hidden| is_hidden(hidden));
        found.fold(false, |_, hidden| {
            hidden.found.set(true);
            true
        })
    }
}

/// Says whether a path is the one that was given, or in it; without a slash, a name in any folder. The case of letters says
/// nothing: what is hidden too much is not published.
fn is_spelled_so(given: &RepoPath, path: &RepoPath) -> bool {
    let (given_text, text) = (same(&given.to_string()), same(&path.to_string()));
    let is_in = text.strip_prefix(&given_text).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    path.is_in(given) || is_in || !given_text.contains('/') && text.split('/').any(|name| name == given_text)
}

fn last_name(path: &RepoPath) -> Option<String> {
    path.components().next_back().map(|name| folded(&name.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_hidden_however_it_is_spelled() {
        let path = RepoPath::new(b"secret/plan.md").expect("a path");
        for text in [
            "cat secret/plan.md",
            "cat secret//plan.md",
            "cat \"secret\"/plan.md",
            "cat 'secret/plan.md'",
            "cd secret && cat plan.md",
            "curl file:///x/secret%2Fplan.md",
            "cat secret/plan\\.md",
            "cat SECRET/Plan.md",
            "secret/plan.md:1:words",
            "diff --git a/secret/plan.md b/secret/plan.md",
        ] {
            let hiding = Hiding::of(std::slice::from_ref(&path), std::iter::empty());
            assert_eq!(hiding.not_found(), ["secret/plan.md"]);
            assert!(hiding.is_named_in(text), "{text}");
            assert!(hiding.not_found().is_empty());
        }
        let hiding = Hiding::of(&[path, RepoPath::new(b"a").expect("a path")], std::iter::empty());
        for text in ["cat plan.mdx", "myplan.md", "a plan", "%", "%zz", "é%2"] {
            assert!(!hiding.is_named_in(text), "{text}");
        }
        assert!(hiding.is_named_in("ls a/b"));
    }

    #[test]
    fn a_pattern_is_for_paths_and_for_words() {
        let paths = |texts: &[&str]| -> Vec<RepoPath> {
            texts.iter().map(|text| RepoPath::new(text.as_bytes()).expect("a path")).collect()
        };
        let hiding = Hiding::of(&paths(&["*.md"]), std::iter::empty());
        assert_eq!(hiding.not_found(), ["*.md"]);
        assert!(paths(&["a.md", "notes/deep/a.md", "x.md/in"]).iter().all(|path| hiding.hides(path)));
        assert!(!paths(&["a.mdx", "md", "a.md.rs"]).iter().any(|path| hiding.hides(path)));
        for text in
            ["cat notes/plan.md", "cat 'A.MD'", "plan.md:3: words", "I read (plan.md).", "git add plan.md."]
        {
            assert!(hiding.is_named_in(text), "{text}");
        }
        for text in ["cat *", "the md format", "plan.mdx", "plan.md5"] {
            assert!(!hiding.is_named_in(text), "{text}");
        }
        let hiding = Hiding::of(&paths(&["secret/*.md", "pages/[id].tsx"]), std::iter::empty());
        assert!(
            paths(&["secret/a.md", "secret/deep/a.md", "pages/[id].tsx", "pages/i.tsx"])
                .iter()
                .all(|path| hiding.hides(path))
        );
        assert!(!paths(&["a.md", "pages/x.tsx"]).iter().any(|path| hiding.hides(path)));
    }
}
