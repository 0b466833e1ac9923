//! `--revive`: what of a conversation starts by itself once the client opens it, shown in full; and what a person wants
//! alive of somebody else's.
//!
//! The user's own comes alive, and that is said. Of all others nothing does but what was agreed to one by one.

use clap::Args;
use serde_json::{Value, json};

use super::consent::Agreement;
use super::ui::{Style, Text, Ui, text};
use crate::base::error::Result;
use crate::base::screen::Line;
use crate::restore::{SessionPlan, revivable};

/// What a person wants alive.
#[derive(Args)]
pub(super) struct Reviving {
    /// Of a conversation that is not your own, have WHAT come alive again: `mode`, `goal`, `agent` or `cron:ID`,
    /// as the plan names them (repeatable)
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    revive: Vec<String>,
}

impl Reviving {
    /// Returns what was asked for in advance.
    pub(super) fn asked(&self) -> &[String] {
        &self.revive
    }

    /// Asks for each that was not asked for in advance; returns what a person said yes to.
    pub(super) fn ask(
        &self,
        session: &SessionPlan,
        agreement: &Agreement,
        ui: &mut Ui,
    ) -> Result<Vec<String>> {
        let mut agreed = Vec::new();
        if session.waking.quiet.is_none() || !agreement.asks(ui) {
            return Ok(agreed);
        }
        for one in each(session).into_iter().filter(|one| !one.awake) {
            let Some(name) = one.name else { continue };
            ui.tell_line(text!["  ", one.what]);
            if ui.ask("This would start by itself in the client. Have it come alive?")? {
                agreed.push(name);
            }
        }
        Ok(agreed)
    }
}

/// One thing that starts by itself.
struct One {
    /// The word of `--revive`; `None` if it can't be told from another.
    name: Option<String>,
    what: Text,
    awake: bool,
}

/// Lists what starts by itself, each in full.
fn each(session: &SessionPlan) -> Vec<One> {
    let waking = &session.waking;
    let asleep = waking.quiet.as_ref();
    let names = revivable(&waking.alive);
    let one = |name: String, what: String, revived: bool| One {
        name: Some(name.clone()).filter(|name| names.contains(name)),
        what: text![what],
        awake: asleep.is_none() || revived,
    };
    let revive = asleep.map(|asleep| &asleep.revive);
    let is = |which: fn(&crate::client::transcript::quiet::Revive) -> bool| revive.is_some_and(which);
    let mut all = Vec::new();
    if let Some(mode) = waking.mode() {
        all.push(one("mode".to_owned(), format!("mode   {}", Line(mode)), is(|revive| revive.mode)));
    }
    if let Some(agent) = &waking.alive.agent {
        all.push(one("agent".to_owned(), format!("agent  {}", Line(agent)), is(|revive| revive.agent)));
    }
    if let Some(goal) = &waking.alive.goal {
        all.push(one("goal".to_owned(), format!("goal   {}", Line(goal)), is(|revive| revive.goal)));
    }
    for cron in &waking.alive.crons {
        let name = format!("cron:{}", cron.id);
        let often = if cron.recurring { "again and again" } else { "once" };
        let what = format!("{}  {}, {often}:  {}", Line(&name), Line(&cron.schedule), Line(&cron.prompt));
        let revived = revive.is_some_and(|revive| revive.crons.contains(&cron.id));
        all.push(one(name, what, revived));
    }
    all
}

/// Kinds of records that have a line of their own.
const LISTED: [&str; 4] = ["agent-setting", "goal_status", "permission-mode", "session_cron_carry"];

/// The lines of a plan.
pub(super) fn lines(session: &SessionPlan) -> Vec<Text> {
    let mut lines = awake(session);
    for one in each(session).into_iter().filter(|one| !one.awake) {
        let more = match one.name {
            Some(name) => format!("  (`--revive {name}` has it come alive)"),
            None => "  (there are others of this id)".to_owned(),
        };
        lines.push(text!["  ", Style::Good.of("asleep "), " ", &one.what, more]);
    }
    let left = session.waking.quiet.iter().flat_map(|asleep| &asleep.left);
    let left = left.filter(|(kind, _)| !LISTED.contains(&kind.as_str()));
    let left: Vec<String> = left.map(|(kind, times)| format!("{times} {}", Line(kind))).collect();
    if !left.is_empty() {
        let note = format!("Left out, as it is not yours and may start something: {}.", left.join(", "));
        lines.push(text!["  ", Style::Warning.of("note:"), " ", note]);
    }
    lines
}

/// The lines about what starts by itself.
pub(super) fn awake(session: &SessionPlan) -> Vec<Text> {
    let awake = each(session).into_iter().filter(|one| one.awake);
    let mut lines: Vec<Text> =
        awake.map(|one| text!["  ", Style::Warning.of("starts "), " ", &one.what]).collect();
    if !lines.is_empty() {
        lines.push("          by itself, once the client is open on a terminal".into());
    }
    lines
}

/// The same for a program.
pub(super) fn as_json(session: &SessionPlan) -> Value {
    let waking = &session.waking;
    let asleep = waking.quiet.as_ref();
    let awake = |revived: bool| asleep.is_none() || revived;
    let revive = asleep.map(|asleep| asleep.revive.clone()).unwrap_or_default();
    let crons: Vec<Value> = waking
        .alive
        .crons
        .iter()
        .map(|cron| {
            json!({
                "id": cron.id, "schedule": cron.schedule, "prompt": cron.prompt, "recurring": cron.recurring,
                "alive": awake(revive.crons.contains(&cron.id)),
            })
        })
        .collect();
    json!({
        "mode": waking.mode().map(|mode| json!({"mode": mode, "alive": awake(revive.mode)})),
        "agent": waking.alive.agent.as_ref().map(|agent| json!({"agent": agent, "alive": awake(revive.agent)})),
        "goal": waking.alive.goal.as_ref().map(|goal| json!({"goal": goal, "alive": awake(revive.goal)})),
        "crons": crons,
        "left_out": asleep.map(|asleep| &asleep.left),
    })
}
