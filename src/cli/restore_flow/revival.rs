//! `--revive`: what starts by itself when the client opens a conversation, shown completely; and what of
//! another user's conversation a person wants to start.
//!
//! In the user's own conversation everything starts, and a message says so. In all others nothing starts
//! without its own yes.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::base::error::Result;
use crate::base::screen::Line;
use crate::cli::output::words::count;
use crate::cli::output::{Style, Text, Ui, text};
use crate::manifest::Cron;
use crate::restore::{SessionPlan, revivable};

/// What a person wants alive.
#[derive(Args, Default)]
pub(crate) struct RevivalArgs {
    /// Let WHAT in somebody else's conversation start by itself again: `mode`, `goal`, `agent`, `scripts`, `memory` or
    /// `cron:ID`, as the plan names them (repeatable)
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = parse_what)]
    revive: Vec<String>,
}

fn parse_what(text: &str) -> std::result::Result<String, String> {
    let is_known = ["mode", "goal", "agent", "scripts", "memory"].contains(&text)
        || text.strip_prefix("cron:").is_some_and(|id| !id.is_empty());
    if !is_known {
        return Err("it is `mode`, `goal`, `agent`, `scripts`, `memory` or `cron:ID`".to_owned());
    }
    Ok(text.to_owned())
}

impl RevivalArgs {
    /// Returns what was asked for in advance.
    pub(crate) fn asked(&self) -> &[String] {
        &self.revive
    }

    /// Asks for each that was not asked for in advance; returns what a person said yes to.
    pub(crate) fn ask(&self, session: &SessionPlan, ui: &mut Ui) -> Result<Vec<String>> {
        let mut agreed = Vec::new();
        let asleep: Vec<Starter> = starters(session).into_iter().filter(|one| !one.awake).collect();
        let mut asked: Vec<&String> = Vec::new();
        for name in asleep.iter().filter_map(|one| one.name.as_ref()) {
            if asked.contains(&name) {
                continue;
            }
            asked.push(name);
            for one in asleep.iter().filter(|one| one.name.as_ref() == Some(name)) {
                ui.tell_line(text!["  ", &one.what]);
            }
            let question = match name.as_str() {
                "memory" => "Add what is missing of it here?",
                "mode" => "Continue in this permission mode?",
                _ => "The client would start this by itself. Let it?",
            };
            if ui.ask(question)? {
                agreed.push(name.clone());
            }
        }
        Ok(agreed)
    }
}

/// What starts by itself, and what of that stays asleep.
#[derive(Serialize)]
pub(crate) struct Alive {
    mode: Option<Mode>,
    agent: Option<AgentName>,
    goal: Option<Goal>,
    crons: Vec<Schedule>,
    /// The scripts that set variables for the agent's commands.
    scripts: Vec<ScriptName>,
    /// The notes for the project's memory.
    memory: Option<Notes>,
    /// What is left out of somebody else's conversation, by kind, with how often.
    left_out: Option<BTreeMap<String, u64>>,
    #[serde(skip)]
    starters: Vec<Starter>,
}

#[derive(Serialize)]
struct Mode {
    mode: String,
    alive: bool,
}

#[derive(Serialize)]
struct AgentName {
    agent: String,
    alive: bool,
}

#[derive(Serialize)]
struct Goal {
    goal: String,
    alive: bool,
}

#[derive(Serialize)]
struct ScriptName {
    script: String,
    alive: bool,
}

#[derive(Serialize)]
struct Notes {
    files: usize,
    alive: bool,
}

#[derive(Serialize)]
struct Schedule {
    #[serde(flatten)]
    cron: Cron,
    alive: bool,
}

/// One thing that starts by itself.
struct Starter {
    /// The word of `--revive`; `None` if it can't be told from another.
    name: Option<String>,
    what: Text,
    awake: bool,
}

/// Lists what starts by itself, each in full.
fn starters(session: &SessionPlan) -> Vec<Starter> {
    let waking = &session.waking;
    let names = revivable(waking);
    let one = |name: String, what: String, awake: bool| Starter {
        name: Some(name.clone()).filter(|name| names.contains(name)),
        what: text![what],
        awake,
    };
    let revive = waking.quiet.as_ref().map(|asleep| &asleep.revive);
    let mode = waking.mode().map(|mode| {
        one("mode".to_owned(), format!("mode   {}", Line(mode)), revive.is_none_or(|revive| revive.mode))
    });
    let agent = waking.alive.agent.as_ref().map(|agent| {
        one("agent".to_owned(), format!("agent  {}", Line(agent)), revive.is_none_or(|revive| revive.agent))
    });
    let goal = waking.alive.goal.as_ref().map(|goal| {
        one("goal".to_owned(), format!("goal   {}", Line(goal)), revive.is_none_or(|revive| revive.goal))
    });
    let crons = waking.alive.crons.iter().map(|cron| {
        let name = format!("cron:{}", cron.id);
        let often = if cron.recurring { "again and again" } else { "once" };
        let what = format!("{}  {}, {often}:  {}", Line(&name), Line(&cron.schedule), Line(&cron.prompt));
        one(name, what, revive.is_none_or(|revive| revive.crons.contains(&cron.id)))
    });
    let scripts = waking.scripts.iter().map(|script| {
        let text = Line(script.text.trim_end());
        let what = format!("{}  before each command of the agent:  {text}", script.place);
        one("scripts".to_owned(), what, revive.is_none_or(|revive| revive.scripts))
    });
    // One's own notes are told of among the notes of the plan: they start nothing.
    let memory = revive.filter(|_| waking.notes > 0).map(|revive| {
        let what = format!("memory {}, which every session here reads", count(waking.notes, "note"));
        one("memory".to_owned(), what, revive.memory)
    });
    mode.into_iter().chain(agent).chain(goal).chain(scripts).chain(memory).chain(crons).collect()
}

/// Kinds of records that have a line of their own.
const LISTED: [&str; 4] = ["agent-setting", "goal_status", "permission-mode", "session_cron_carry"];

impl Alive {
    pub(crate) fn of(session: &SessionPlan) -> Alive {
        let waking = &session.waking;
        let asleep = waking.quiet.as_ref();
        let revive = asleep.map(|asleep| &asleep.revive);
        let schedule = |cron: &Cron| Schedule {
            alive: revive.is_none_or(|revive| revive.crons.contains(&cron.id)),
            cron: cron.clone(),
        };
        Alive {
            mode: waking
                .mode()
                .map(|mode| Mode { mode: mode.to_owned(), alive: revive.is_none_or(|revive| revive.mode) }),
            agent: waking
                .alive
                .agent
                .clone()
                .map(|agent| AgentName { agent, alive: revive.is_none_or(|revive| revive.agent) }),
            goal: waking
                .alive
                .goal
                .clone()
                .map(|goal| Goal { goal, alive: revive.is_none_or(|revive| revive.goal) }),
            crons: waking.alive.crons.iter().map(schedule).collect(),
            scripts: waking
                .scripts
                .iter()
                .map(|script| ScriptName {
                    script: script.place.to_string(),
                    alive: revive.is_none_or(|revive| revive.scripts),
                })
                .collect(),
            memory: (waking.notes > 0)
                .then(|| Notes { files: waking.notes, alive: revive.is_none_or(|revive| revive.memory) }),
            left_out: asleep.map(|asleep| asleep.left.clone()),
            starters: starters(session),
        }
    }

    /// The lines of a plan.
    pub(crate) fn lines(&self) -> Vec<Text> {
        let mut lines = self.awake_lines();
        for one in self.starters.iter().filter(|one| !one.awake) {
            let how = match &one.name {
                Some(name) => format!("  (`--revive {name}` lets it start)"),
                None => "  (several have this id)".to_owned(),
            };
            lines.push(text!["  ", Style::Good.of("asleep "), " ", &one.what, how]);
        }
        let left = self.left_out.iter().flatten().filter(|(kind, _)| !LISTED.contains(&kind.as_str()));
        let left: Vec<String> = left.map(|(kind, times)| format!("{times} {}", Line(kind))).collect();
        if !left.is_empty() {
            let note =
                format!("Left out, because it is not yours and may start something: {}.", left.join(", "));
            lines.push(text!["  ", Style::Warning.of("note:"), " ", note]);
        }
        lines
    }

    /// The lines about what does start by itself.
    pub(crate) fn awake_lines(&self) -> Vec<Text> {
        let awake = self.starters.iter().filter(|one| one.awake);
        let mut lines: Vec<Text> =
            awake.map(|one| text!["  ", Style::Warning.of("starts "), " ", &one.what]).collect();
        if !lines.is_empty() {
            lines.push("          by itself, once the client is open on a terminal".into());
        }
        lines
    }
}
