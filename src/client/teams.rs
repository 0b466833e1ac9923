//! Teams of agents that a session leads (an experiment of the client's): named, with what nobody has read yet.
//!
//! Their members are processes, and end with their client. So nothing of a team is restored, and the client itself
//! restores nothing either; but what a member wrote and nobody read is in no conversation.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ClientHome;
use super::files::list_or_name;
use crate::base::ids::ClientId;
use crate::manifest::Skipped;
use crate::sys::files;

/// A file of a team over this many bytes is none.
const LARGEST: u64 = 4 << 20;

/// The most unread messages that are told of a team.
const MOST_MESSAGES: usize = 20;

impl ClientHome {
    /// Says which teams a session leads or names, in words, a line each for the team and for each unread message.
    pub fn teams(&self, id: &ClientId, named: &BTreeSet<String>, missing: &mut Vec<Skipped>) -> Vec<String> {
        let mut told = Vec::new();
        for folder in list_or_name(&self.config().join("teams"), missing) {
            let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { continue };
            let read = |path: &std::path::Path| -> Option<Value> {
                serde_json::from_slice(&files::read_plain(path, LARGEST).ok()??).ok()
            };
            let config = read(&folder.join("config.json")).unwrap_or_default();
            if config["leadSessionId"] != id.as_str() && !named.contains(name) {
                continue;
            }
            let members = config["members"].as_array().map_or(0, Vec::len);
            let mut messages = Vec::new();
            for inbox in list_or_name(&folder.join("inboxes"), missing) {
                let Some(to) = inbox.file_stem().and_then(|stem| stem.to_str()) else { continue };
                let Some(Value::Array(all)) = read(&inbox) else { continue };
                let unread = all.iter().filter(|message| message["read"] != true);
                messages.extend(unread.map(|message| {
                    let from = message["from"].as_str().unwrap_or("?");
                    let whole = message.to_string();
                    let text = message["text"].as_str().unwrap_or(&whole);
                    format!("{name}: unread message from {from} to {to}: {text}")
                }));
            }
            if members < 2 && messages.is_empty() {
                continue;
            }
            let number = match messages.len() {
                1 => "1 unread message".to_owned(),
                number => format!("{number} unread messages"),
            };
            told.push(format!("{name}: {members} members, {number}"));
            told.extend(messages.into_iter().take(MOST_MESSAGES));
        }
        told
    }
}
