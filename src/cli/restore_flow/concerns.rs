//! The parts of a snapshot that a person should check, grouped by kind: in the plan, in a question, in the
//! list of held back paths, as a diff.
//!
//! A person answers one question for each kind, however many files there are.

use std::collections::BTreeMap;
use std::io;

use crate::base::error::{Kind, Result};
use crate::base::paths::RepoPath;
use crate::base::screen;
use crate::cli::output::pager::Sheet;
use crate::cli::output::words::quoted;
use crate::cli::output::{NO, Style, Text, Ui, YES, text};
use crate::compare::{broken, show_readers};
use crate::diff::{BlockWriter, ChangeKind, FileHeader, Look, Options, Painter, Show as _};
use crate::restore::protected_paths::Concern;
use crate::restore::{Action, Doubt, RestorePlan};

/// The most files of a kind that the plan lists one by one.
const MOST_LISTED: usize = 8;

/// The most files of a kind that are named in one line.
const MOST_NAMED: usize = 5;

/// Shows the diff, then asks again.
pub(super) const DIFF: &str = "diff";

/// The files of one kind.
pub(crate) struct Group<'a> {
    pub(crate) concern: Concern,
    pub(crate) doubts: Vec<&'a Doubt>,
}

/// Groups them by kind.
pub(crate) fn groups<'a>(doubts: impl Iterator<Item = &'a Doubt>) -> Vec<Group<'a>> {
    let mut all: BTreeMap<Concern, Vec<&Doubt>> = BTreeMap::new();
    for doubt in doubts {
        all.entry(doubt.concern).or_default().push(doubt);
    }
    all.into_iter().map(|(concern, doubts)| Group { concern, doubts }).collect()
}

impl Group<'_> {
    /// Returns its lines of a plan.
    pub(crate) fn lines(&self) -> Vec<Text> {
        let never = self.doubts.iter().all(|doubt| doubt.never);
        let mark = Style::Warning.of(if never { "never  " } else { "careful" });
        let listed = self.doubts.iter().take(MOST_LISTED);
        let mut lines: Vec<Text> =
            listed.map(|doubt| text!["  ", &mark, format!(" {} {}", doubt.path, doubt.why)]).collect();
        if let Some(more @ 1..) = self.doubts.len().checked_sub(MOST_LISTED) {
            let says = self.concern.says_of_many();
            lines.push(text!["  ", &mark, format!(" {more} more that {says}; `--dry-run --json` lists all")]);
        }
        lines
    }

    /// Asks whether to set them, showing the diff for as long as that is wanted.
    pub(crate) fn ask(&self, ui: &mut Ui, plan: &RestorePlan) -> Result<bool> {
        let question = match self.doubts.as_slice() {
            [one] => {
                let goes = plan
                    .steps()
                    .iter()
                    .any(|step| *step.path() == one.path && step.action() == Action::Remove);
                let question = if goes { "Remove it, as the snapshot does?" } else { "Restore it?" };
                format!("{} {}. {question}", one.path, one.why)
            }
            many => {
                format!("{} {}. Restore these {}?", self.named(), self.concern.says_of_many(), many.len())
            }
        };
        loop {
            match ui.choose(&question, &[YES, NO, DIFF], "[y]es, [N]o, [d]iff", NO)? {
                DIFF => show(ui, plan, self.doubts.iter().map(|doubt| &doubt.path))?,
                answer => return Ok(answer == YES),
            }
        }
    }

    /// Says what was held back, and how to get it.
    fn warn_of_held(&self, ui: &mut Ui) {
        if self.doubts.len() <= MOST_NAMED {
            for doubt in &self.doubts {
                let how = if doubt.never {
                    "never from a snapshot that is not yours; `snap diff` shows it".to_owned()
                } else {
                    format!("`--allow {}` sets it", quoted(&doubt.path.to_string()))
                };
                ui.warn(&format!("held back: {} {} ({how})", doubt.path, doubt.why));
            }
            return;
        }
        let how = if self.concern.is_never() {
            "never from a snapshot that is not yours; `snap diff` shows them".to_owned()
        } else {
            format!("`--allow-kind {}` sets them all, `--allow PATH` one or a folder", self.concern.word())
        };
        let (number, says) = (self.doubts.len(), self.concern.says_of_many());
        ui.warn(&format!("held back: {number} files that {says}: {} ({how})", self.named()));
    }

    fn named(&self) -> String {
        let names: Vec<String> =
            self.doubts.iter().take(MOST_NAMED).map(|doubt| doubt.path.to_string()).collect();
        match self.doubts.len().checked_sub(MOST_NAMED) {
            Some(more @ 1..) => format!("{} and {more} more", names.join(", ")),
            _ => names.join(", "),
        }
    }
}

/// Warns of what was held back, and says how to get it.
pub(crate) fn warn_of_held(ui: &mut Ui, held: &[Doubt]) {
    groups(held.iter()).iter().for_each(|group| group.warn_of_held(ui));
}

/// Shows what a plan makes of some files, as `snap diff` would.
pub(super) fn show<'a>(
    ui: &mut Ui,
    plan: &RestorePlan,
    paths: impl Iterator<Item = &'a RepoPath>,
) -> Result<()> {
    ui.flush()?;
    let max_line = Options::default().longest_line;
    let look = Look { color: ui.color(), max_line, ..Look::default() };
    let mut sheet = Sheet::open(true)?;
    let mut failed = None;
    let mut send = |block: Vec<u8>| {
        sheet.block(&block).map_err(|error| {
            let gone = io::Error::from(io::ErrorKind::BrokenPipe);
            failed = Some(error);
            gone
        })
    };
    let mut out = BlockWriter::new(true, &mut send);
    let shown = paths.into_iter().try_for_each(|path| show_one(plan, path, look.clone(), &mut out));
    let shown = shown.and_then(|()| out.flush().map_err(|error| broken(&error)));
    let _rest = sheet.flush();
    match (failed, shown) {
        // Who leaves the pager has seen enough.
        (Some(error), _) | (None, Err(error)) if error.kind() == Kind::ClosedPipe => Ok(()),
        (Some(error), _) => Err(error),
        (None, shown) => shown,
    }
}

fn show_one(plan: &RestorePlan, path: &RepoPath, look: Look, out: &mut BlockWriter<'_>) -> Result<()> {
    let mut painter = Painter::new(out, look);
    let Some(preview) = plan.preview(path)? else {
        let mut line = b"only the index changes: ".to_vec();
        screen::push_safe(&mut line, path.as_bytes());
        return painter.text(&line).map_err(|error| broken(&error));
    };
    let file = FileHeader {
        kind: match (&preview.old, &preview.new) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Deleted,
            _ => ChangeKind::Modified,
        },
        path: path.as_bytes().to_vec(),
        old_mode: preview.old.as_ref().map(|(mode, _)| *mode),
        new_mode: preview.new.map(|(mode, _)| mode),
        ..FileHeader::default()
    };
    let old = preview.old.as_ref().map(|(_, bytes)| bytes.as_slice());
    let new = preview.new.map(|(_, bytes)| bytes);
    let size = |bytes: Option<&[u8]>| bytes.map(|bytes| bytes.len() as u64);
    let (sizes, sides) = ((size(old), size(new)), (old.unwrap_or_default(), new.unwrap_or_default()));
    show_readers(file, sides, None, sizes, Options::default(), &mut painter).map_err(|error| broken(&error))
}
