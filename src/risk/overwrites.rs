//! What a step writes over: the very files, as far as the line names them, and else the places that they are in.
//!
//! Pure. Whether anything there is the only copy is asked of the machine. A place counts with all that is in it, as a step
//! before this one in the line may still put more names where they come from.

use std::path::{Path, PathBuf};

use super::expand::CommandLine;
use super::shell::Word;
use super::state::{Dir, plain};
use super::step::{ShellStep, valued};
use super::touched::Touched;
use super::touched_place::{Reach, Target};
use super::value::Value;
use super::word::WordPart;
use super::{StepContext, Unsaved};

/// With more names than this, git is asked about the folder that they are put into.
const MOST_NAMES: usize = 8;

/// Something that is put into a folder.
#[derive(Debug, PartialEq, Eq)]
struct PutInto {
    /// Where it comes from.
    sources: Vec<Target>,
    folder: PathBuf,
    /// Not under the names of its sources: what is in them.
    contents: bool,
}

impl PutInto {
    /// Says whether in doubt something is done about the folder: it is in a work tree, or nothing is known of what comes.
    fn is_saved(&self, context: &StepContext<'_>) -> bool {
        self.sources.is_empty() || context.around.top(&self.folder).is_some()
    }

    fn written_over(&self, context: &StepContext<'_>) -> Vec<PathBuf> {
        context.around.written_over(&self.sources, &self.folder, self.contents)
    }
}

/// What a step writes over.
#[derive(Debug, Default)]
pub(super) struct Overwritten {
    /// These very paths.
    paths: Vec<PathBuf>,
    /// Whatever is in these places.
    among: Vec<Target>,
    /// Names in these folders that the line does not say.
    into: Vec<PutInto>,
    /// As it was written; only the run decides it.
    unknown: Vec<String>,
}

/// Returns what a step writes over.
pub(super) fn of_step(step: &ShellStep, lines: &[CommandLine], context: &StepContext<'_>) -> Overwritten {
    let mut found = Overwritten::default();
    let place = Place { step, lines, context };
    let mut add = |word: Option<Word>| word.iter().for_each(|word| place.add_word(word, &mut found));
    match step.program.as_str() {
        "mv" | "cp" | "install" | "rsync" | "scp" => place.add_copies(&mut found),
        "ln" if step.has("-f") || step.has("--force") => place.add_copies(&mut found),
        "tee" if !step.has("-a") && !step.has("--append") => {
            step.operands().into_iter().for_each(|word| place.add_word(word, &mut found));
            place.add_fed(&mut found);
        }
        "dd" => {
            let target = step.arguments.iter().find(|word| word.text.starts_with("of="));
            add(target.map(|word| word.behind(3)));
        }
        "curl" => {
            add(step.option_in_cluster('o', "--output", "bcCdDeEFHKmPQrtTuUwxXyYz"));
            if step.has("-O") || step.has("--remote-name") || step.has("--remote-name-all") {
                let names = step.operands().into_iter().filter_map(|word| remote_name(&word.text));
                names.for_each(|name| add(Some(Word::plain(name))));
            }
        }
        "wget" => add(step.option_in_cluster('O', "--output-document", "aABDeiIlPQRtTUwX")),
        "sort" => add(step.option_in_cluster('o', "--output", "kStT")),
        "cc" | "gcc" | "clang" | "c++" | "g++" | "clang++" | "ld" | "rustc" | "iconv" | "pandoc" => {
            add(step.option(&["-o", "--output"]));
        }
        "openssl" => add(step.option(&["-out"])),
        "uniq" => add(step.operands().get(1).map(|word| (*word).clone())),
        "tar" | "bsdtar" | "gtar" if packs(step) => add(archive(step)),
        "tar" | "bsdtar" | "gtar" if unpacks(step) => {
            let folder = step.option(&["-C", "--directory", "--cd"]);
            place.add_folder(&folder.unwrap_or_else(|| Word::plain(".")), &mut found);
        }
        "unzip" if !step.has("-n") && !step.has("-l") && !step.has("-p") && !step.has("-t") => {
            place.add_folder(&step.option(&["-d"]).unwrap_or_else(|| Word::plain(".")), &mut found);
        }
        _ => {}
    }
    step.truncates.iter().for_each(|word| place.add_word(word, &mut found));
    found
}

impl Overwritten {
    /// Says whether anything would be lost that is nowhere else. In doubt it would, if there is anything at all to lose.
    pub(super) fn loses(&self, context: &StepContext<'_>) -> bool {
        let only_copy =
            |path: &PathBuf| matches!(context.around.unsaved(path), Unsaved::Edits | Unsaved::Whole);
        let tree = |path: &Path, reach: Reach| Target { path: path.to_owned(), reach };
        self.paths.iter().any(only_copy)
            || self.among.iter().any(|target| context.around.holds_unsaved(target))
            || self.into.iter().any(|put| {
                if put.is_saved(context) {
                    context.around.holds_unsaved(&tree(&put.folder, Reach::Below))
                } else {
                    put.written_over(context).iter().any(only_copy)
                }
            })
            || (!self.unknown.is_empty() && context.around.holds_unsaved(&tree(context.cwd, Reach::Tree)))
    }

    /// Adds it to what a step touches.
    pub(super) fn add_to(self, touched: &mut Touched, context: &StepContext<'_>) {
        for path in self.paths {
            touched.add(Target { path, reach: Reach::Below });
        }
        self.among.into_iter().for_each(|target| touched.add(target));
        for put in self.into {
            // The folder stays; of what is in it, only what has a name that comes.
            for path in put.written_over(context) {
                touched.add(Target { path, reach: Reach::Below });
            }
            if put.is_saved(context) {
                touched.add(Target { path: put.folder, reach: Reach::Tree });
            }
        }
        touched.unknown.extend(self.unknown);
    }
}

/// A step where it is taken.
struct Place<'a> {
    step: &'a ShellStep,
    lines: &'a [CommandLine],
    context: &'a StepContext<'a>,
}

impl Place<'_> {
    fn values(&self, word: &Word) -> Vec<Value> {
        self.step.values(word, self.lines, self.context)
    }

    /// Returns the paths that a value is, if it says them.
    fn exact(&self, value: &Value) -> Option<Vec<PathBuf>> {
        let Value::Text(text) = value else { return None };
        let dirs = &self.step.state.dirs;
        let known = text.is_absolute() || dirs.iter().all(|dir| matches!(dir, Dir::Known(_)));
        let exact = text.pattern.is_none() && known;
        let places = || self.step.state.below(std::slice::from_ref(value), &mut Vec::new());
        exact.then(|| places().into_iter().map(|target| target.path).collect())
    }

    /// Adds what a word can mean.
    fn add_word(&self, word: &Word, found: &mut Overwritten) {
        for value in self.values(word) {
            match self.exact(&value) {
                Some(paths) => found.paths.extend(paths),
                None => self.add_doubtful(&value, Some(word), found),
            }
        }
    }

    /// Adds what feeds `xargs`, if it comes behind the words.
    fn add_fed(&self, found: &mut Overwritten) {
        for value in self.step.fed.iter().filter(|_| !self.names_what_is_fed()) {
            self.add_doubtful(value, None, found);
        }
    }

    fn add_doubtful(&self, value: &Value, word: Option<&Word>, found: &mut Overwritten) {
        let mut unknown = Vec::new();
        let places = self.step.state.below(std::slice::from_ref(value), &mut unknown);
        found.among.extend(places);
        if unknown.is_empty() {
            return;
        }
        // `out-$(date).log` is known as far as its beginning.
        match word.and_then(|word| self.beginning(word)) {
            Some(targets) => found.among.extend(targets),
            None => found.unknown.append(&mut unknown),
        }
    }

    /// Returns where a word leads of which only the end is unknown.
    fn beginning(&self, word: &Word) -> Option<Vec<Target>> {
        let begins = |part: &WordPart| match part {
            WordPart::Text(text, _) => Some(text.clone()),
            WordPart::Variable(_) | WordPart::Output(_) => None,
        };
        let begin: String = word.parts.iter().map_while(begins).collect();
        if begin.is_empty() || begin.contains(['*', '?', '[', '{', '~']) {
            return None;
        }
        let (folder, name) = begin.rsplit_once('/').map_or(("", begin.as_str()), |(folder, name)| {
            (if folder.is_empty() { "/" } else { folder }, name)
        });
        let fits = |base: &Path| Target { path: plain(base), reach: Reach::Fitting(format!("{name}*")) };
        if folder.starts_with('/') {
            return Some(vec![fits(Path::new(folder))]);
        }
        let dirs = self.step.state.dirs.iter().map(|dir| match dir {
            Dir::Known(path) => Some(fits(&path.join(folder))),
            Dir::Among(_) | Dir::Unknown(_) => None,
        });
        dirs.collect()
    }

    /// Says whether one of the words stands for what feeds `xargs`.
    fn names_what_is_fed(&self) -> bool {
        let mark = self.step.state.found.as_ref().map(|found| &found.0);
        mark.is_some_and(|mark| self.step.arguments.iter().any(|word| word.text.contains(mark.as_str())))
    }

    /// Adds what a copy, a move or a link replaces.
    fn add_copies(&self, found: &mut Overwritten) {
        let step = self.step;
        let keeps = ["--no-clobber", "--ignore-existing", "--dry-run", "--update=none"];
        let makes_folders = step.program == "install" && step.has("-d");
        // `ln -n` is about links to folders.
        let keeps_by_letter = step.program != "ln" && step.has("-n");
        if makes_folders || keeps_by_letter || keeps.iter().any(|option| step.has(option)) {
            return;
        }
        let across = matches!(step.program.as_str(), "rsync" | "scp");
        let operands = step.operands_without(valued(&step.program));
        let into = step.option_in_cluster('t', "--target-directory", "gmoS").filter(|_| !across);
        let behind = !step.fed.is_empty() && !self.names_what_is_fed();
        let (target, sources) = match (&into, operands.split_last()) {
            (Some(folder), _) => (folder, operands.as_slice()),
            // The last of them is where it goes.
            (None, _) if behind => return self.add_fed(found),
            (None, Some((target, sources))) if !sources.is_empty() => (*target, sources),
            (None, _) => return,
        };
        if across && is_remote(target) {
            return;
        }
        for value in self.values(target) {
            match self.exact(&value) {
                Some(folders) => folders.iter().for_each(|path| self.add_copies_to(path, sources, found)),
                None => self.add_doubtful(&value, Some(target), found),
            }
        }
    }

    fn add_copies_to(&self, target: &Path, sources: &[&Word], found: &mut Overwritten) {
        let step = self.step;
        let goes_into = !step.has("-T") && !step.has("--no-target-directory");
        if self.context.around.unsaved(target) != Unsaved::Folder {
            return found.paths.push(target.to_owned());
        }
        let whole = ["-r", "-R", "-a", "--recursive", "--archive"].iter().any(|option| step.has(option));
        let whole = step.program == "rsync" || (whole && matches!(step.program.as_str(), "cp" | "scp"));
        if !step.fed.is_empty() {
            found.into.push(PutInto { sources: Vec::new(), folder: target.to_owned(), contents: false });
        }
        // Each name of its own is a question to git.
        let many = sources.len() > MOST_NAMES;
        for word in sources {
            let text = word.text.as_str();
            let contents = !goes_into
                || matches!(text, "." | "..")
                || ["/.", "/.."].iter().any(|end| text.ends_with(end))
                || (step.program == "rsync" && text.ends_with('/'));
            for value in self.values(word) {
                let sources = step.state.below(std::slice::from_ref(&value), &mut Vec::new());
                let put = |folder: &Path, contents| PutInto {
                    sources: sources.clone(),
                    folder: folder.to_owned(),
                    contents,
                };
                let name = name_of(&value, step).filter(|_| !contents && !many);
                let Some(path) = name.map(|name| target.join(name)) else {
                    found.into.push(put(target, contents));
                    continue;
                };
                match self.context.around.unsaved(&path) {
                    Unsaved::Folder if whole => found.into.push(put(&path, true)),
                    Unsaved::Folder => {}
                    _ => found.paths.push(path),
                }
            }
        }
    }

    /// Adds a folder that an archive is unpacked into.
    fn add_folder(&self, folder: &Word, found: &mut Overwritten) {
        for value in self.values(folder) {
            match self.exact(&value) {
                Some(folders) => found.into.extend(folders.into_iter().map(|folder| PutInto {
                    sources: Vec::new(),
                    folder,
                    contents: true,
                })),
                None => self.add_doubtful(&value, Some(folder), found),
            }
        }
    }
}

/// Returns the name that a copy gets, if the line says it.
fn name_of(value: &Value, step: &ShellStep) -> Option<String> {
    let Value::Text(text) = value else { return None };
    let across = matches!(step.program.as_str(), "rsync" | "scp");
    let path = match text.plain.split_once(':') {
        // A shell there makes names of it.
        Some((host, path)) if across && !host.contains('/') => {
            Some(path).filter(|path| !path.contains(['*', '?', '[', '{', '$', '~']))
        }
        _ => Some(text.plain.as_str()).filter(|_| text.pattern.is_none()),
    };
    Some(Path::new(path?).file_name()?.to_string_lossy().into_owned())
}

/// Says whether a word names a place on another machine.
fn is_remote(word: &Word) -> bool {
    word.text.split('/').next().unwrap_or_default().contains(':')
}

/// Returns the name under which a download is kept.
fn remote_name(address: &str) -> Option<&str> {
    let (_, path) = address.split_once("://")?;
    let path = path.split(['?', '#']).next()?;
    path.rsplit_once('/').map(|(_, name)| name).filter(|name| !name.is_empty())
}

/// Says whether `tar` makes an archive, or changes one.
fn packs(step: &ShellStep) -> bool {
    let first = step.arguments.first().map_or("", |word| word.text.as_str());
    let makes = |letters: &str| letters.contains(['c', 'r', 'u', 'A']) && !letters.contains(['x', 't']);
    let old_style = !first.starts_with('-') && makes(first) && !first.contains(['.', '/']);
    let long = ["--create", "--append", "--update", "--catenate", "--concatenate", "--delete"];
    let words = step.arguments.iter().take_while(|word| word.text != "--");
    // A letter behind one that takes a value belongs to that.
    let letters = words.filter_map(|word| word.text.strip_prefix('-').filter(|rest| !rest.starts_with('-')));
    let letters =
        letters.map(|letters| letters.split(['C', 'I', 'T', 'X', 'f', 'b']).next().unwrap_or_default());
    let letters: Vec<&str> = letters.collect();
    let unpacks = letters.iter().any(|letters| letters.contains(['x', 't']));
    old_style || long.iter().any(|option| step.has(option)) || !unpacks && letters.into_iter().any(makes)
}

/// Returns the archive that `tar` is given.
fn archive(step: &ShellStep) -> Option<Word> {
    let is_old_style = |word: &&Word| !word.text.starts_with('-') && word.text.contains('f');
    match step.arguments.first().filter(is_old_style) {
        Some(_) => step.arguments.get(1).cloned(),
        None => step.option_in_cluster('f', "--file", "bCFgHIKLNTVX"),
    }
}

/// Says whether `tar` takes files out of an archive, and replaces what is there.
fn unpacks(step: &ShellStep) -> bool {
    let first = step.arguments.first().map_or("", |word| word.text.as_str());
    let by_letter = |text: &str| !text.starts_with("--") && text.trim_start_matches('-').contains('x');
    let old_style = !first.starts_with('-') && by_letter(first) && !first.contains(['.', '/']);
    let long = ["--extract", "--get"].iter().any(|option| step.has(option));
    let keeps = ["-k", "--keep-old-files", "--skip-old-files", "-O", "--to-stdout"];
    (old_style || long || step.has("-x")) && !keeps.iter().any(|option| step.has(option))
}
