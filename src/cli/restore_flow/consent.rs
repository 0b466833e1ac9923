//! Whether a snapshot may be restored: by options on the command line, and by questions on a terminal.
//!
//! A question is repeated until the answer is a yes or a no. Enter alone and the end of input are a no.
//! Without a terminal there are no questions: whatever was not agreed to in advance is refused or held back.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use clap::Args;
use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};

use super::concerns::{self, DIFF, groups};
use super::report::{MOST_LISTED, RestoreReport};
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::cli::output::words::quoted;
use crate::cli::output::{NO, Ui, YES};
use crate::manifest::Manifest;
use crate::restore::protected_paths::{ASKED, Concern};
use crate::restore::{Consent, Doubt, RestorePlan, Step, not_trusted};
use crate::trust::Provenance;
use crate::workspace::Workspace;

/// The most paths that are named in one line.
const MOST_NAMED: usize = 10;

/// What a person agrees to in advance.
#[derive(Args)]
pub(crate) struct ConsentArgs {
    /// Restore the snapshot although it is not your own
    #[arg(long)]
    trust: bool,
    /// Also restore PATH (a file or folder that tools run or take instructions from) from somebody else's snapshot
    /// (repeatable)
    #[arg(long, value_name = "PATH", value_parser = OsStringValueParser::new().try_map(parse_path))]
    allow: Vec<RepoPath>,
    /// Also restore all such files of this kind; the plan and the notes on what was held back name the kinds
    /// (repeatable)
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    allow_kind: Vec<Kinds>,
    /// Never prompt; skip whatever --trust, --allow and --allow-kind don't cover
    #[arg(long, visible_alias = "yes", overrides_with = "no_input")]
    no_input: bool,
}

/// Takes the bytes as they are: a name need not be text.
fn parse_path(typed: OsString) -> std::result::Result<RepoPath, String> {
    let typed = typed.as_bytes();
    let inside = typed.strip_prefix(b"./").unwrap_or(typed);
    RepoPath::new(inside.strip_suffix(b"/").unwrap_or(inside))
}

/// One kind of file, or all.
#[derive(Clone, Copy)]
struct Kinds(Option<Concern>);

fn kinds() -> impl TypedValueParser<Value = Kinds> {
    let words = ASKED.map(Concern::word).into_iter().chain(["all"]);
    let of = |word: String| Kinds(ASKED.into_iter().find(|concern| concern.word() == word));
    PossibleValuesParser::new(words).map(of)
}

impl ConsentArgs {
    /// Makes one of a command that sets no files.
    pub(crate) fn of(trust: bool, no_input: bool) -> ConsentArgs {
        ConsentArgs { trust, allow: Vec::new(), allow_kind: Vec::new(), no_input }
    }

    /// Says whether nothing is to be asked.
    pub(crate) fn no_input(&self) -> bool {
        self.no_input
    }

    /// Says whether there is somebody to be asked.
    pub(crate) fn asks(&self, ui: &Ui) -> bool {
        ui.is_terminal() && !ui.json() && !self.no_input
    }

    /// Refuses early what would be refused in the end, before anything is prepared for it.
    pub(crate) fn check(&self, ui: &Ui, workspace: &Workspace, manifest: &Manifest) -> Result<()> {
        match workspace.provenance(manifest) {
            Provenance::Foreign { why } if !self.trust && !self.asks(ui) => {
                Err(refused(workspace, manifest, &why))
            }
            _ => Ok(()),
        }
    }

    /// Asks whether a remote may be contacted for a snapshot that is not the user's own. Its plan comes
    /// later.
    pub(crate) fn may_contact(
        &self,
        ui: &mut Ui,
        workspace: &Workspace,
        manifest: &Manifest,
        remote: &str,
    ) -> Result<bool> {
        match workspace.provenance(manifest) {
            Provenance::Foreign { why } if !self.trust => {
                if !self.asks(ui) {
                    return Ok(false);
                }
                ui.tell_line(&format!("This is not your own snapshot: {why}."));
                ui.ask(&format!(
                    "Its base commit is not here, and without it there is no plan. Fetch it from {}?",
                    Line(remote)
                ))
            }
            _ => Ok(true),
        }
    }

    /// Says whether a snapshot may be used: it is not foreign, or a person agrees.
    pub(crate) fn trusts(&self, ui: &mut Ui, workspace: &Workspace, manifest: &Manifest) -> Result<bool> {
        let Provenance::Foreign { why } = workspace.provenance(manifest) else { return Ok(true) };
        if self.trust || !self.asks(ui) {
            return Ok(self.trust);
        }
        warn_of_authority(ui, &why);
        ui.ask("Link it?")
    }

    /// Shows a plan, as `report` has it, and asks for consent. Whatever is not agreed to is held back.
    pub(crate) fn obtain(
        &self,
        ui: &mut Ui,
        plan: RestorePlan,
        report: impl Fn(&RestorePlan) -> RestoreReport,
    ) -> Result<RestorePlan> {
        self.refuse_unknown(&plan)?;
        let mut kinds = self.kinds();
        if !self.asks(ui) {
            let plan = plan.admit(Consent { trust: self.trust, allow: &self.allow, kinds: &kinds })?;
            show(ui, &report(&plan));
            return Ok(plan);
        }
        let mut trust = self.trust;
        match plan.provenance() {
            Provenance::Foreign { why } if !trust => {
                for line in report(&plan).lines(usize::MAX) {
                    ui.tell_line(line);
                }
                warn_of_authority(ui, why);
                trust = agrees(ui, &plan)?;
                if !trust {
                    return Err(
                        Error::new(Kind::Refused, "Nothing was restored").because("the answer was no")
                    );
                }
            }
            _ => show(ui, &report(&plan)),
        }
        if trust {
            let consent = Consent { trust, allow: &self.allow, kinds: &kinds };
            let concerns = plan.doubts();
            let open = concerns.iter().filter(|concern| !concern.never && !consent.covers(concern));
            for group in groups(open) {
                if group.ask(ui, &plan)? {
                    kinds.push(group.concern);
                }
            }
        }
        plan.admit(Consent { trust, allow: &self.allow, kinds: &kinds })
    }

    fn kinds(&self) -> Vec<Concern> {
        let each = |kinds: &Kinds| kinds.0.map_or(ASKED.to_vec(), |concern| vec![concern]);
        self.allow_kind.iter().flat_map(each).collect()
    }

    /// Returns what stays out of a plan that is only shown: what nobody would be asked about counts as a no.
    pub(crate) fn foresee(&self, ui: &Ui, plan: &RestorePlan) -> Vec<Doubt> {
        let kinds = if self.asks(ui) { ASKED.to_vec() } else { self.kinds() };
        plan.would_hold(Consent { trust: true, allow: &self.allow, kinds: &kinds })
    }

    /// Refuses a path that is nowhere in the snapshot: what was mistyped would be held back without a word.
    fn refuse_unknown(&self, plan: &RestorePlan) -> Result<()> {
        let doubts = plan.doubts();
        let edits = plan.manifest().edited_files();
        let steps = plan.steps().iter().map(Step::path);
        let known: Vec<&RepoPath> = doubts
            .iter()
            .map(|doubt| &doubt.path)
            .chain(steps)
            .chain(edits.iter().flat_map(|edit| edit.from.iter().map(|from| &from.path).chain([&edit.path])))
            .collect();
        let is_known = |path: &RepoPath| known.iter().any(|known| known.is_in(path));
        let Some(strange) = self.allow.iter().find(|path| !is_known(path)) else { return Ok(()) };
        let error = Error::new(
            Kind::Usage,
            format!("`--allow {}` matches no file of this snapshot", quoted(&strange.to_string())),
        )
        .because("nothing was changed");
        let open: Vec<String> = doubts
            .iter()
            .filter(|doubt| !doubt.never)
            .take(MOST_NAMED)
            .map(|doubt| doubt.path.to_string())
            .collect();
        Err(match open.len() {
            0 => error.hint("nothing in it needs a yes of its own: leave `--allow` out"),
            _ => error.hint(format!("what needs a yes is {}", open.join(", "))),
        })
    }

    /// Asks which variables of this place a file's secrets may be taken from.
    pub(crate) fn variables(&self, ui: &mut Ui, plan: &RestorePlan) -> Result<Vec<String>> {
        let mut agreed = Vec::new();
        if !self.asks(ui) {
            return Ok(agreed);
        }
        for held in plan.unfilled() {
            for one in &held.secrets {
                let (Some(name), Some(offer)) = (one.here.first(), one.offer()) else { continue };
                let others =
                    if one.of_several { format!(" ({}), as were others", one.id) } else { String::new() };
                let question = format!(
                    "{} needs a secret that was in ${}{others}. Fill in the value that it has here?",
                    held.path,
                    Line(name)
                );
                if !agreed.contains(&offer) && ui.ask(&question)? {
                    agreed.push(offer);
                }
            }
        }
        Ok(agreed)
    }
}

/// Asks whether to restore what was shown, with its diff for as long as that is wanted.
fn agrees(ui: &mut Ui, plan: &RestorePlan) -> Result<bool> {
    let merges = plan.merging().is_some_and(|merging| merging.report_path.is_some());
    let question = if merges { "Merge it?" } else { "Restore it?" };
    loop {
        match ui.choose(question, &[YES, NO, DIFF], "[y]es, [N]o, [d]iff", NO)? {
            DIFF => concerns::show(ui, plan, plan.steps().iter().map(Step::path))?,
            answer => return Ok(answer == YES),
        }
    }
}

/// Makes the error that it is not the user's own; if only their key is not usable, with what mends that.
fn refused(workspace: &Workspace, manifest: &Manifest, why: &str) -> Error {
    let error = not_trusted(&workspace.store.called(manifest), why);
    match workspace.trust.unusable_key().as_ref().and_then(Error::next_step) {
        Some(mend) => error.hint(format!("{mend}; `--trust` restores it without that")),
        None => error,
    }
}

fn warn_of_authority(ui: &mut Ui, why: &str) {
    ui.tell_line(&format!("This is not your own snapshot: {why}."));
    ui.tell_line("What its conversation says will have your authority, as if you had said it.");
}

/// Shows a plan that is about to be carried out.
fn show(ui: &mut Ui, report: &RestoreReport) {
    if !ui.json() {
        report.lines(MOST_LISTED).into_iter().for_each(|line| ui.say(line));
    }
}
