//! Whether a snapshot may be restored: what was said on the command line, and what is asked on a terminal.
//!
//! A question is asked until the answer is a yes or a no; Enter alone and the end of input are a no. Without a terminal nothing is
//! asked: what was not agreed to in advance is refused or held back.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use clap::Args;
use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use super::doubts::{Group, groups};
use super::restoring::lines;
use super::ui::{Style, Text, Ui, text};
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::manifest::Manifest;
use crate::redaction::{HeldBack, MissingSecret};
use crate::restore::protected_paths::{ASKED, Concern};
use crate::restore::{Consent, Doubt, Plan, not_trusted};
use crate::trust::Provenance;
use crate::workspace::Workspace;

/// What a person agrees to in advance.
#[derive(Args)]
pub(super) struct Agreement {
    /// Go on with a snapshot that is not your own
    #[arg(long)]
    trust: bool,
    /// Of such a snapshot, also set PATH (or what is in that folder), though a tool may run or obey it (repeatable)
    #[arg(long, value_name = "PATH", value_parser = OsStringValueParser::new().try_map(parse_path))]
    allow: Vec<RepoPath>,
    /// The same for all files of a kind, as the plan and `held back` name them (repeatable)
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    allow_kind: Vec<Kinds>,
    /// Ask nothing: do without what was not agreed to by `--trust`, `--allow` and `--allow-kind`
    #[arg(long)]
    yes: bool,
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

impl Agreement {
    fn agreed_kinds(&self) -> Vec<Concern> {
        let each = |kinds: &Kinds| kinds.0.map_or(ASKED.to_vec(), |concern| vec![concern]);
        self.allow_kind.iter().flat_map(each).collect()
    }

    /// Refuses early what would be refused in the end, before anything is prepared for it.
    pub(super) fn check(&self, ui: &Ui, workspace: &Workspace, manifest: &Manifest) -> Result<()> {
        match workspace.provenance(manifest) {
            Provenance::Foreign { why } if !self.trust && !self.asks(ui) => {
                Err(not_trusted(&manifest.name, &why))
            }
            _ => Ok(()),
        }
    }

    /// Asks whether a remote may be contacted for a snapshot, if it is not the user's own; its plan comes later.
    pub(super) fn may_contact(
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

    /// Makes one of a command that sets no files.
    pub(super) fn of(trust: bool, yes: bool) -> Agreement {
        Agreement { trust, allow: Vec::new(), allow_kind: Vec::new(), yes }
    }

    /// Says whether a snapshot may be taken up: it is no stranger's, or a person agrees.
    pub(super) fn trusts(&self, ui: &mut Ui, workspace: &Workspace, manifest: &Manifest) -> Result<bool> {
        let Provenance::Foreign { why } = workspace.provenance(manifest) else { return Ok(true) };
        if self.trust || !self.asks(ui) {
            return Ok(self.trust);
        }
        ui.tell_line(&format!("This is not your own snapshot: {why}."));
        ui.tell_line("What its conversation says will have your authority, as if you had said it.");
        ui.ask("Link it?")
    }

    /// Obtains consent to a plan; what is not agreed to is held back.
    pub(super) fn obtain(&self, ui: &mut Ui, plan: Plan) -> Result<Plan> {
        let (mut trust, mut kinds) = (self.trust, self.agreed_kinds());
        if self.asks(ui) {
            if let (Provenance::Foreign { why }, true) = (plan.provenance(), self.shows(ui, &plan)) {
                for line in lines(&plan, usize::MAX) {
                    ui.tell_line(line);
                }
                ui.tell_line(&format!("This is not your own snapshot: {why}."));
                ui.tell_line("What its conversation says will have your authority, as if you had said it.");
                trust = ui.ask("Restore it?")?;
            }
            if trust {
                let consent = Consent { trust, allow: &self.allow, kinds: &kinds };
                let doubts = plan.doubts();
                let open = doubts.iter().filter(|doubt| !doubt.never && !consent.covers(doubt));
                for group in groups(open) {
                    if group.ask(ui, &plan)? {
                        kinds.push(group.concern);
                    }
                }
            }
        }
        plan.admit(Consent { trust, allow: &self.allow, kinds: &kinds })
    }

    /// Says whether the whole plan is shown before it is asked for.
    pub(super) fn shows(&self, ui: &Ui, plan: &Plan) -> bool {
        self.asks(ui) && !self.trust && matches!(plan.provenance(), Provenance::Foreign { .. })
    }

    /// Asks which variables of this place a file's secrets may be taken from.
    pub(super) fn variables(&self, ui: &mut Ui, plan: &Plan) -> Result<Vec<String>> {
        let mut agreed = Vec::new();
        if !self.asks(ui) {
            return Ok(agreed);
        }
        for held in plan.unfilled() {
            for name in held.secrets.iter().filter_map(|one| one.here.first()) {
                let question =
                    format!("{} needs a secret that was in {}. Take yours from here?", held.path, Line(name));
                if !agreed.contains(name) && ui.ask(&question)? {
                    agreed.push(name.clone());
                }
            }
        }
        Ok(agreed)
    }

    /// Says whether nothing is to be asked.
    pub(super) fn yes(&self) -> bool {
        self.yes
    }

    /// Says whether there is somebody to be asked.
    pub(super) fn asks(&self, ui: &Ui) -> bool {
        ui.is_terminal() && !ui.json() && !self.yes
    }
}

/// Tells which files could not be made without their secrets.
pub(super) fn tell_unfilled(ui: &mut Ui, unfilled: &[HeldBack]) {
    for held in unfilled {
        let here = held.secrets.iter().filter_map(|one| one.here.first());
        let flags: Vec<String> = here
            .map(|name| format!("--fill {}", super::restoring::quoted(&Line(name).to_string())))
            .collect();
        let how = if flags.is_empty() {
            String::new()
        } else {
            format!(" (`{}` takes it from here)", flags.join(" "))
        };
        ui.warn(&format!("held back: {}: {}{how}", held.path, held.reason()));
    }
}

/// The same for a program.
pub(super) fn unfilled_json(plan: &Plan) -> Value {
    let missing =
        |one: &MissingSecret| json!({"id": one.id, "kind": one.kind, "names": one.names, "here": one.here});
    plan.unfilled()
        .iter()
        .map(|held| json!({"path": held.path, "secrets": held.secrets.iter().map(missing).collect::<Vec<_>>()}))
        .collect()
}

/// The lines of a plan that say whose snapshot it is and what needs a look.
pub(super) fn provenance_lines(plan: &Plan) -> Vec<Text> {
    let mark = |word: &str| Style::Warning.of(word);
    let mut lines = match plan.provenance() {
        Provenance::Own => Vec::new(),
        Provenance::Trusted { signer } => vec![text![format!("  signed by {signer}, whom you trust")]],
        Provenance::Foreign { why } => vec![text!["  ", mark("not your own:"), " ", why]],
    };
    let doubts = plan.doubts();
    lines.extend(groups(doubts.iter()).iter().flat_map(Group::lines));
    lines
}

/// What a program is told of all this.
pub(super) fn as_json(plan: &Plan) -> [(&'static str, Value); 3] {
    let (signer, why) = match plan.provenance() {
        Provenance::Own => (None, None),
        Provenance::Trusted { signer } => (Some(signer), None),
        Provenance::Foreign { why } => (None, Some(why)),
    };
    let provenance = json!({"is": plan.provenance().word(), "signer": signer, "why": why});
    let list = |doubts: &[Doubt]| -> Value {
        doubts
            .iter()
            .map(|doubt| json!({"path": doubt.path, "kind": doubt.concern.word(), "why": doubt.why, "never": doubt.never}))
            .collect()
    };
    [("provenance", provenance), ("careful", list(&plan.doubts())), ("held", list(plan.held()))]
}
