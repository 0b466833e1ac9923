//! What lies between two snapshots, as far as a report may tell it. Pure.
//!
//! A report is of the second one, and only that one is searched for secrets: words of the first one alone stay out.

use super::between::{Between, Conversation};
use super::choice::{Choice, Part};
use super::hiding::Hiding;
use super::overview::told_name;
use crate::base::ids::SnapshotId;

impl Between {
    /// Leaves out what a report is not to hold.
    pub(super) fn outgoing(mut self, choice: &Choice, hiding: &Hiding) -> Between {
        if !choice.has(Part::Prompts) && !choice.has(Part::Answers) {
            self.conversation = None;
        }
        if let Some(Conversation { new, old, .. }) = &mut self.conversation {
            new.last = new.last.take().filter(|_| choice.has(Part::Prompts));
            old.iter_mut().for_each(|old| old.last = None);
        }
        if !choice.has(Part::Tasks) {
            self.tasks = Default::default();
        }
        self.tasks.only_old.clear();
        if !choice.has(Part::Agents) {
            self.agents.clear();
        }
        let is_rule = |grant: &str| ["allow ", "ask ", "deny "].iter().any(|scope| grant.starts_with(scope));
        self.grants.removed.clear();
        self.grants.added.retain(|grant| {
            choice.has(Part::Grants) && !hiding.is_named_in(grant) && (!choice.no_tools || is_rule(grant))
        });
        for side in [&mut self.old, &mut self.new].into_iter().chain(self.fork.as_mut()) {
            if let Some(id) = SnapshotId::parse(&side.id) {
                side.name = told_name(&side.name, &id, side.trigger, choice, hiding);
            }
        }
        self
    }
}
