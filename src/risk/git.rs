//! git's own vocabulary: which of its commands can destroy work, and the work trees that they touch.

use std::path::PathBuf;

use super::expand::CommandLine;
use super::shell::Word;
use super::state::{Dir, State};
use super::step::ShellStep;
use super::touched::{Cleans, Forgets, Touched};
use super::touched_place::{Reach, Target};
use super::value::Value;
use super::{StepContext, Unsaved};

/// Options of `git` itself that take a value as a word of its own.
const VALUED: [&str; 8] =
    ["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix", "--config-env"];

/// A call of git: where it works, and what it is to do.
pub(super) struct GitCall {
    /// The words after the verb, in the folder that git itself works in.
    pub(super) rest: ShellStep,
    /// The command, such as `reset`.
    verb: String,
    /// Whether `clean` needs no `-f`.
    needs_no_force: bool,
    /// Whether submodules are changed with the work tree, by a setting.
    recurses: bool,
    /// `--work-tree`, if it is given.
    work_tree: Option<Vec<Value>>,
    /// `--git-dir`, if it is given.
    git_dir: Option<Vec<Value>>,
}

impl GitCall {
    /// Reads a step of git.
    pub(super) fn read(
        step: &ShellStep,
        lines: &[CommandLine],
        context: &StepContext<'_>,
    ) -> Option<GitCall> {
        let mut rest = step.clone();
        let variable = |name: &str| {
            let set = step.state.variable(name).cloned();
            set.or_else(|| context.around.variable(name).map(|text| vec![Value::text(&text)]))
        };
        let (mut git_dir, mut work_tree) = (variable("GIT_DIR"), variable("GIT_WORK_TREE"));
        let (mut needs_no_force, mut recurses) = (false, false);
        let mut words = step.arguments.iter().peekable();
        while let Some(option) = words.next_if(|word| word.text.starts_with('-')) {
            let (name, value) = match option.text.split_once('=') {
                Some((name, _)) if name.starts_with("--") => (name, Some(option.behind(name.len() + 1))),
                _ => {
                    let name = option.text.as_str();
                    (name, VALUED.contains(&name).then(|| words.next().cloned()).flatten())
                }
            };
            let Some(value) = value else { continue };
            let values = step.values(&value, lines, context);
            match name {
                "-C" => rest.state.dirs = rest.state.at(&values),
                "-c" | "--config-env" => {
                    let setting = value.text.to_ascii_lowercase();
                    needs_no_force |= setting.starts_with("clean.requireforce");
                    let is_off =
                        ["false", "no", "off", "0"].iter().any(|off| setting.ends_with(&format!("={off}")));
                    recurses |= setting.starts_with("submodule.recurse") && !is_off;
                }
                "--git-dir" => git_dir = Some(values),
                "--work-tree" => work_tree = Some(values),
                _ => {}
            }
        }
        let verb = words.next()?.text.clone();
        rest.arguments = words.cloned().collect();
        Some(GitCall { rest, verb, needs_no_force, recurses, work_tree, git_dir })
    }

    /// Says whether one of these options is given. A long one may be cut short, as git takes it.
    fn has(&self, options: &[&str]) -> bool {
        let words = || self.rest.arguments.iter().take_while(|word| word.text != "--");
        let is_cut = |option: &str| {
            words().any(|word| {
                let name = word.text.split('=').next().unwrap_or_default();
                name.len() > 2 && name.starts_with("--") && option.starts_with(name) && !option.contains('=')
            })
        };
        options.iter().any(|option| self.rest.has(option) || is_cut(option))
    }

    /// Returns the class of the command, if it has one.
    pub(super) fn class(&self, context: &StepContext<'_>) -> Option<&'static str> {
        let has = |options: &[&str]| self.has(options);
        let operands: Vec<&str> = self.rest.operands().iter().map(|word| word.text.as_str()).collect();
        let first = operands.first().copied().unwrap_or_default();
        // What a variable or another command puts there may be the name of a file, or an option.
        let dynamic = self.rest.arguments.iter().any(|word| word.dynamic);
        let discards = match self.verb.as_str() {
            "reset" => has(&["--hard", "--merge", "--keep"]) || dynamic,
            "checkout" => {
                let paths = self.rest.arguments.iter().any(|word| word.text == "--")
                    || has(&["--pathspec-from-file", "--ours", "--theirs"]);
                let new = has(&["-b", "-B", "--orphan"]);
                let fed = !self.rest.fed.is_empty() || self.rest.state.found.is_some();
                let named = || fed || dynamic || self.names_paths(&operands, context);
                paths || has(&["-f", "--force", "-B"]) || (!new && named())
            }
            "restore" => !has(&["--staged", "-S"]) || has(&["--worktree", "-W"]),
            "switch" => has(&["-f", "--force", "--discard-changes", "-C", "--force-create"]),
            "clean" => {
                let may = has(&["-f", "--force", "-x", "-X", "-i", "--interactive"]) || self.needs_no_force;
                may && !has(&["-n", "--dry-run"])
            }
            "stash" => matches!(first, "drop" | "clear"),
            "branch" => has(&["-D"]) || (has(&["-d", "--delete"]) && has(&["-f", "--force"])),
            "rm" => !has(&["--cached", "-n", "--dry-run"]),
            "mv" => has(&["-f", "--force"]) && !has(&["-n", "--dry-run"]),
            "worktree" => match first {
                "remove" | "move" => true,
                "prune" => !has(&["-n", "--dry-run"]),
                _ => false,
            },
            "merge" | "am" | "cherry-pick" | "revert" => has(&["--abort", "--quit"]),
            "checkout-index" => has(&["-f", "--force"]),
            "read-tree" => has(&["-u", "--reset"]),
            "update-ref" => has(&["-d"]),
            "reflog" => matches!(first, "expire" | "delete"),
            "gc" | "prune" => {
                self.verb == "prune"
                    || self.rest.arguments.iter().any(|word| word.text.starts_with("--prune="))
            }
            "submodule" => match first {
                "deinit" => has(&["-f", "--force"]),
                "update" => has(&["-f", "--force"]),
                _ => false,
            },
            "lfs" => first == "prune",
            _ => false,
        };
        let rewrites = match self.verb.as_str() {
            "rebase" => !has(&["--show-current-patch", "--continue", "--skip", "--edit-todo"]),
            "pull" => has(&["--rebase", "-r"]) && !has(&["--rebase=false"]),
            "push" => {
                !has(&["-n", "--dry-run"])
                    && (has(&[
                        "-f",
                        "--force",
                        "--force-with-lease",
                        "--mirror",
                        "--delete",
                        "-d",
                        "--prune",
                    ]) || operands.iter().skip(1).any(|refspec| refspec.starts_with(['+', ':'])))
            }
            "filter-branch" | "filter-repo" => true,
            _ => false,
        };
        match (discards, rewrites) {
            (true, _) => Some("discard"),
            (_, true) => Some("rewrite"),
            _ => None,
        }
    }

    /// Says whether `git checkout WORDS` names files: a folder, a pattern, a second word, or an
    /// existing path with edits.
    fn names_paths(&self, operands: &[&str], context: &StepContext<'_>) -> bool {
        let path = |word: &&&str| {
            **word == "." || word.starts_with("./") || word.ends_with('/') || word.contains(['*', ':'])
        };
        let edited = |word: &str| {
            let mut dirs = self.rest.state.known().map(|dir| super::state::plain(&dir.join(word)));
            dirs.any(|path| (context.around.unsaved(&path)) != Unsaved::No)
        };
        operands.len() > 1 || operands.iter().any(|word| path(&word) || edited(word))
    }

    /// Returns what the command touches.
    pub(super) fn touched(&self, lines: &[CommandLine], context: &StepContext<'_>) -> Touched {
        let mut touched = Touched::default();
        let state = &self.rest.state;
        let operands = self.rest.operands_without(&["-e", "--exclude", "--reason"]);
        let values = |word: &Word| self.rest.values(word, lines, context);
        match self.verb.as_str() {
            "worktree"
                if operands.first().is_some_and(|word| matches!(word.text.as_str(), "remove" | "move")) =>
            {
                let trees = operands.get(1..).unwrap_or_default();
                let trees = if self.has_verb("move") { trees.get(..1).unwrap_or_default() } else { trees };
                let words = trees.iter().flat_map(|word| values(word));
                for value in words.chain(self.rest.fed.iter().cloned()) {
                    self.add_named(&value, &mut touched);
                }
            }
            "clean" | "submodule" | "rm" => {
                self.add_trees(state, &mut touched);
                let inside = match self.verb.as_str() {
                    // Only with two of them git removes repositories inside the repository.
                    "clean" => self.forces() > 1,
                    _ => true,
                };
                let skip = usize::from(self.verb == "submodule");
                let operands = operands.get(skip..).unwrap_or_default();
                if inside && operands.is_empty() {
                    for dir in state.known() {
                        touched.add(Target { path: dir.clone(), reach: Reach::Below });
                    }
                }
                for word in operands.iter().filter(|_| inside) {
                    touched.add_below(&values(word), state);
                }
                if self.verb == "clean" {
                    let what = match (self.has(&["-x"]), self.has(&["-X"])) {
                        (_, true) => Cleans::Ignored,
                        (true, false) => Cleans::All,
                        (false, false) => Cleans::Untracked,
                    };
                    let named = operands.iter().flat_map(|word| values(word)).collect::<Vec<_>>();
                    let named = state.below(&named, &mut Vec::new());
                    let mut places: Vec<PathBuf> = named.into_iter().map(|target| target.path).collect();
                    if operands.is_empty() {
                        places.extend(state.known().cloned());
                    }
                    touched.cleans = Some((what, places));
                }
            }
            verb => {
                touched.forgets = match verb {
                    "stash" => Some(Forgets::Stash(self.stash_entry())),
                    "branch" if !self.has(&["-r", "--remotes"]) => {
                        Some(Forgets::Branches(operands.iter().map(|word| word.text.clone()).collect()))
                    }
                    _ => None,
                };
                self.add_trees(state, &mut touched);
                let recurses = self.rest.has("--recurse-submodules") || self.recurses;
                if recurses && !self.rest.has("--no-recurse-submodules") {
                    for dir in state.known().filter(|dir| context.around.may_have_submodules(dir)) {
                        touched.add(Target { path: dir.clone(), reach: Reach::Below });
                    }
                }
            }
        }
        if self.rest.in_each {
            for target in &mut touched.targets {
                target.reach = Reach::Below;
            }
        }
        touched.unknown.sort();
        touched.unknown.dedup();
        touched
    }

    /// Returns the number of the stash entry that is dropped; `None` for all, or if it is not known.
    fn stash_entry(&self) -> Option<usize> {
        let operands = self.rest.operands();
        match operands.as_slice() {
            [verb] if verb.text == "drop" => Some(0),
            [verb, entry] if verb.text == "drop" => {
                let number = entry.text.strip_prefix("stash@{").and_then(|rest| rest.strip_suffix('}'));
                number.unwrap_or(&entry.text).parse().ok()
            }
            _ => None,
        }
    }

    fn has_verb(&self, second: &str) -> bool {
        self.rest.operands().first().is_some_and(|word| word.text == second)
    }

    fn forces(&self) -> usize {
        let count = |word: &Word| match word.text.as_str() {
            text if text.len() > 2 && text.starts_with("--f") && "--force".starts_with(text) => 1,
            text if text.starts_with("--") || !text.starts_with('-') => 0,
            text => text.matches('f').count(),
        };
        self.rest.arguments.iter().map(count).sum()
    }

    /// Adds the work trees that the command works in.
    fn add_trees(&self, state: &State, touched: &mut Touched) {
        match &self.work_tree {
            Some(values) => touched.add_here(&state.at(values)),
            None => touched.add_here(&state.dirs),
        }
        // The index that goes with another repository's folder.
        if let Some(values) = &self.git_dir {
            touched.add_here(&state.at(values));
        }
    }

    /// Adds the linked work trees that a value can mean.
    fn add_named(&self, value: &Value, touched: &mut Touched) {
        let known: Vec<PathBuf> = self.rest.state.known().cloned().collect();
        match value {
            Value::Text(text) if text.pattern.is_none() => {
                for dir in &known {
                    touched.add(Target { path: dir.clone(), reach: Reach::Named(text.plain.clone()) });
                }
                for dir in self.rest.state.dirs.iter().filter(|_| !text.is_absolute()) {
                    match dir {
                        Dir::Known(_) => {}
                        Dir::Among(target) => touched.add(target.clone()),
                        Dir::Unknown(written) => touched.unknown.push(format!("{written}/{}", text.plain)),
                    }
                }
                if text.is_absolute() && known.is_empty() {
                    touched.add(Target { path: PathBuf::from(&text.plain), reach: Reach::Below });
                }
            }
            // Those that git lists; it never removes the main one.
            Value::Paths(targets) => targets.iter().for_each(|target| {
                let linked = target.reach == Reach::Worktrees;
                let reach = if linked { Reach::Linked } else { target.reach.clone() };
                touched.add(Target { path: target.path.clone(), reach });
            }),
            other => touched.add_below(std::slice::from_ref(other), &self.rest.state),
        }
    }
}
