//! `snap link`: a saved moment in the client's own list of sessions.

use clap::Args;
use serde_json::json;

use super::consent::Agreement;
use super::restoring::quoted;
use super::reviving::{self, Reviving};
use super::ui::Ui;
use super::{Outcome, print_json};
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::restore::{self, follow};
use crate::store::Reference;
use crate::workspace::Workspace;

/// The title of the link that moves on.
const LATEST: &str = "latest";

/// Make a snapshot a session that plain `claude --resume NAME` finds, also in its picker
///
/// `snap link latest` always stands for the newest snapshot. A link goes with its snapshot, but never a session
/// that somebody went on with.
#[derive(Args)]
pub(super) struct Link {
    /// The snapshot
    #[arg(value_name = "REF", default_value = LATEST)]
    reference: String,
    /// Take the link away again; the snapshot stays
    #[arg(long)]
    remove: bool,
    /// Link a snapshot that is not your own
    #[arg(long)]
    trust: bool,
    /// Ask nothing: do without what was not agreed to by `--trust` and `--revive`
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    reviving: Reviving,
}

impl Link {
    pub(super) fn run(self, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if self.remove {
            return self.remove(workspace, ui);
        }
        let manifest = workspace.store.find(&Reference::parse(&self.reference))?.manifest?;
        let follows = self.reference == LATEST;
        let title = if follows { LATEST } else { manifest.name.as_str() };
        let agreement = Agreement::of(self.trust, self.yes);
        let trust = agreement.trusts(ui, workspace, &manifest)?;
        let mut plan = restore::plan_link(workspace, &manifest, trust)?;
        plan.revive(self.reviving.asked())?;
        let agreed = self.reviving.ask(&plan, &agreement, ui)?;
        plan.revive(&agreed)?;
        let (awake, alive) = (reviving::lines(&plan), reviving::as_json(&plan));
        let cwd = restore::link(workspace, &manifest, plan, title, follows)?;
        let lost = &manifest.permissions.launch;
        let lost: Vec<&str> = lost.deny.iter().chain(&lost.ask).map(|rule| rule.rule.as_str()).collect();
        if ui.json() {
            let cwd = cwd.to_string_lossy();
            print_json(
                ui,
                &json!({
                    "title": title, "snapshot": manifest.id, "follows": follows, "cwd": cwd, "alive": alive,
                    "lost": lost,
                }),
            )?;
            return Ok(Outcome::Done);
        }
        awake.into_iter().for_each(|line| ui.say(line));
        for rule in lost {
            ui.warn(&format!(
                "{} held in that run, and does not in a plain `claude --resume`; `snap resume` brings it back",
                Line(rule)
            ));
        }
        ui.say(&format!("Linked {}; this goes on from it:", Line(&manifest.name)));
        ui.line(&format!("cd {} && claude --resume {}", quoted(&cwd.to_string_lossy()), quoted(title)))?;
        Ok(Outcome::Done)
    }

    fn remove(&self, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let title = match self.reference.as_str() {
            LATEST => LATEST.to_owned(),
            reference => match workspace.store.find(&Reference::parse(reference)) {
                Ok(entry) => entry.manifest?.name,
                // The snapshot may be gone already.
                Err(_) => reference.to_owned(),
            },
        };
        let mut links = restore::links(workspace)?;
        links.retain(|link| link.title == title);
        if links.is_empty() {
            return Err(Error::new(
                Kind::NotFound,
                format!("There is no link {:?}", Line(&title).to_string()),
            ));
        }
        for link in links {
            match workspace.client.unlink(&link)? {
                true => ui.say(&format!("Removed the link {}.", Line(&title))),
                false => {
                    ui.say(&format!("{} is no link any more; the session that went on stays.", Line(&title)))
                }
            }
        }
        Ok(Outcome::Done)
    }
}

/// Brings the links up to date; what is wrong with them is told and stops nothing.
pub(super) fn keep_up(workspace: &Workspace, ui: &mut Ui) {
    if let Err(error) = follow(workspace) {
        ui.warn(&format!("links are not up to date: {error}"));
    }
}
