//! The settings files: permission rules, and the names of what must be supplied elsewhere.
//!
//! Of servers and environments only names are taken. Values, addresses and headers hold secrets and never
//! leave their file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::settings_text::{named_values, value_of};
use super::{ClientHome, TASK_LIST};
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::ClientId;
use crate::manifest::{McpServer, ProjectRules, SavedRule, Skipped};
use crate::sys::files;

const LARGEST: u64 = 16 << 20;

/// What is said of a file that the client can't read either.
const NO_JSON: &str =
    "it is not JSON: its rules are not known; values under names of secrets in it are taken out all the same";

/// What the settings files say.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The permission rules, in the order of the files.
    pub rules: ProjectRules,
    /// The mode that sessions start in.
    pub default_mode: Option<String>,
    /// The configured MCP servers.
    pub servers: Vec<McpServer>,
    /// The names of environment variables that are set for the client or its servers.
    pub environment: BTreeSet<String>,
    /// Files that could not be read or understood.
    pub missing: Vec<Skipped>,
}

impl ClientHome {
    /// Reads the settings that hold for a project: the user's, the project's, the local ones.
    pub fn settings(&self, root: &Path) -> Settings {
        let mut settings = Settings::default();
        for (path, name) in self.rule_files(root) {
            if let Some(value) = read(&path, &mut settings.missing) {
                settings.take(&value, name);
            }
        }
        if let Some(servers) = read(&root.join(".mcp.json"), &mut settings.missing) {
            settings.take_servers(&servers);
        }
        settings
    }

    /// Returns the rules that hold once files of the project have become what `planned` says of their paths: content, or
    /// gone; `None` for what stays as it is.
    pub fn rules_with<'p>(
        &self,
        root: &Path,
        planned: impl Fn(&str) -> Option<Option<&'p [u8]>>,
    ) -> ProjectRules {
        let mut settings = Settings::default();
        for (path, name) in self.rule_files(root) {
            let value = match planned(name) {
                Some(content) => content.and_then(value_of),
                None => read(&path, &mut Vec::new()),
            };
            value.iter().for_each(|value| settings.take(value, name));
        }
        settings.rules
    }

    /// Returns the files with rules for a project, each with what it is called.
    fn rule_files(&self, root: &Path) -> [(PathBuf, &'static str); 3] {
        [
            (self.config.join("settings.json"), "~/.claude/settings.json"),
            (root.join(".claude/settings.json"), ".claude/settings.json"),
            (root.join(".claude/settings.local.json"), ".claude/settings.local.json"),
        ]
    }

    /// Returns the task list that the sessions of a project share, if the environment or the settings name one; the
    /// client takes what its settings say over what its environment does.
    pub(super) fn shared_tasks(&self, root: &Path) -> Option<ClientId> {
        self.tasks_in_settings(root).or_else(|| self.task_list.clone())
    }

    /// Returns the task list that the settings name, those that win first.
    pub(super) fn tasks_in_settings(&self, root: &Path) -> Option<ClientId> {
        let claude = root.join(".claude");
        let files = [
            claude.join("settings.local.json"),
            claude.join("settings.json"),
            self.config.join("settings.json"),
        ];
        let named = |path: &PathBuf| {
            let value = read(path, &mut Vec::new())?;
            ClientId::parse(value["env"][TASK_LIST].as_str()?)
        };
        files.iter().find_map(named)
    }

    /// Returns the variables that the settings and servers of a project define, with their values. The
    /// values are searched for, never stored. Of a file that is no JSON, it is every value that has a name.
    pub fn variables(&self, root: &Path) -> Vec<(String, String)> {
        let claude = root.join(".claude");
        let files = [
            self.config.join("settings.json"),
            claude.join("settings.json"),
            claude.join("settings.local.json"),
            root.join(".mcp.json"),
        ];
        let mut all = Vec::new();
        for path in files {
            let Some(bytes) = bytes(&path).ok().flatten() else { continue };
            let Some(value) = value_of(&bytes) else {
                all.extend(named_values(&bytes));
                continue;
            };
            let mut take = |group: &Value| {
                let group = group.as_object().into_iter().flatten();
                let text = |value: &Value| match value {
                    Value::String(text) => Some(text.clone()),
                    // The client makes a text of it.
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                };
                all.extend(group.filter_map(|(name, value)| Some((name.clone(), text(value)?))));
            };
            take(&value["env"]);
            for server in value["mcpServers"].as_object().into_iter().flatten().map(|(_, server)| server) {
                take(&server["env"]);
                take(&server["headers"]);
            }
        }
        all
    }
}

fn read(path: &Path, missing: &mut Vec<Skipped>) -> Option<Value> {
    let why = match bytes(path) {
        Ok(json) => match value_of(&json?) {
            Some(value) => return Some(value),
            None => NO_JSON.to_owned(),
        },
        Err(error) => format!("its rules can't be read: {}", error.cause()),
    };
    missing.push(Skipped::at(path, why));
    None
}

/// Reads a file, if there is one.
fn bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    // People link their settings into place from elsewhere: these links are their own.
    match std::fs::canonicalize(path) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(Error::new(Kind::Environment, "Cannot read a settings file").because(error))
        }
        Err(_) => Ok(None),
        Ok(target) => files::read_plain(&target, LARGEST),
    }
}

impl Settings {
    pub(super) fn take(&mut self, value: &Value, file: &str) {
        let permissions = &value["permissions"];
        let lists =
            [("allow", &mut self.rules.allow), ("deny", &mut self.rules.deny), ("ask", &mut self.rules.ask)];
        for (key, list) in lists {
            let rules = permissions[key].as_array().into_iter().flatten().filter_map(Value::as_str);
            list.extend(rules.map(|rule| SavedRule { rule: rule.to_owned(), file: file.to_owned() }));
        }
        if let Some(mode) = permissions["defaultMode"].as_str() {
            self.default_mode = Some(mode.to_owned());
        }
        self.environment.extend(keys(&value["env"]));
        self.take_servers(value);
    }

    fn take_servers(&mut self, value: &Value) {
        for (name, server) in value["mcpServers"].as_object().into_iter().flatten() {
            let transport =
                server["type"].as_str().unwrap_or(if server["url"].is_string() { "http" } else { "stdio" });
            self.servers.push(McpServer { name: name.clone(), transport: transport.to_owned(), used: false });
            self.environment.extend(keys(&server["env"]));
        }
    }
}

fn keys(value: &Value) -> impl Iterator<Item = String> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_come_with_their_file_and_of_values_only_the_names() {
        let value = serde_json::json!({
            "permissions": {"allow": ["Bash(ls)", 7], "deny": ["Read(.env)"], "defaultMode": "plan"},
            "env": {"API_TOKEN": "do-not-keep-me"},
            "mcpServers": {"db": {"command": "x", "env": {"DB_URL": "do-not-keep-me"}}, "web": {"url": "do-not-keep-me"}},
        });
        let mut settings = Settings::default();
        settings.take(&value, "f.json");
        assert_eq!(
            settings.rules.allow,
            [SavedRule { rule: "Bash(ls)".to_owned(), file: "f.json".to_owned() }]
        );
        assert_eq!(settings.default_mode.as_deref(), Some("plan"));
        assert_eq!(settings.environment.iter().cloned().collect::<Vec<_>>(), ["API_TOKEN", "DB_URL"]);
        assert_eq!(
            settings.servers.iter().map(|s| s.transport.as_str()).collect::<Vec<_>>(),
            ["stdio", "http"]
        );
        assert!(!format!("{settings:?}").contains("do-not-keep-me"));
    }
}
