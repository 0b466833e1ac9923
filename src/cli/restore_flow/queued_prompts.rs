//! Prompts that were queued when the snapshot was saved: shown completely, and offered as the client's first
//! prompt.
//!
//! Only a person at a terminal passes one on. A prompt that somebody else queued needs a typed yes, because
//! it would have this user's authority.

use std::ffi::OsString;

use crate::base::error::Result;
use crate::cli::output::Ui;
use crate::restore::RestorePlan;
use crate::trust::Provenance;

/// Prompts that nobody answered.
pub(crate) struct QueuedPrompts {
    prompts: Vec<String>,
    is_own: bool,
}

impl QueuedPrompts {
    /// Takes them from a plan that brings a session back.
    pub(crate) fn of(plan: &RestorePlan) -> QueuedPrompts {
        let prompts = plan.session().map(|session| session.queue.clone()).unwrap_or_default();
        QueuedPrompts { prompts, is_own: matches!(plan.provenance(), Provenance::Own) }
    }

    /// Asks whether to send them as the first prompt of the client. `own` are the person's own
    /// arguments for it.
    pub(crate) fn offer(&self, own: &[OsString], ui: &mut Ui) -> Result<Option<String>> {
        // The last word may be a prompt already; the client takes one.
        let may_be_prompt = own.last().is_some_and(|word| !word.to_string_lossy().starts_with('-'));
        if self.prompts.is_empty() || may_be_prompt {
            return Ok(None);
        }
        let prompt = self.prompts.join("\n\n");
        ui.tell_line("These prompts were queued when the snapshot was saved:");
        for line in prompt.lines() {
            ui.tell_line(&format!("  {line}"));
        }
        let question = "Send them to the client as its first prompt?";
        let agreed = if self.is_own { ui.ask_unless(question)? } else { ui.ask(question)? };
        Ok(agreed.then_some(prompt))
    }
}
