//! MCP servers: which ones the configuration here defines, and how each of them would be reached.
//!
//! Of a definition only the name and the transport are ever kept. Command and address stay in memory, for a look
//! whether they are there; variables, headers and arguments are not read. Of the client's own file, which holds logins
//! and keys, nothing but the lists of servers is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::ClientHome;
use crate::manifest::{McpServer, Skipped};
use crate::sys::files;

/// A file of the client's over this many bytes is none.
const LARGEST: u64 = 64 << 20;

/// The most servers of a place.
const MOST: usize = 200;

/// A server that is defined here.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// `stdio`, `http`, `sse`, …
    pub transport: String,
    /// How the client reaches it.
    pub reach: Transport,
    /// Whether the user's own configuration defines it, and not a file of the project.
    pub users_own: bool,
}

/// How a server is reached. Never shown: it may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Transport {
    /// By a program that is started.
    Command(String),
    /// At an address.
    Address(String),
    /// In a way that is not known here.
    Unknown,
}

/// The part of the client's own file that is read.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OwnFile<'a> {
    #[serde(borrow)]
    mcp_servers: Definitions<'a>,
    #[serde(borrow)]
    projects: BTreeMap<String, Project<'a>>,
}

/// The part of a project's entry in it that is read.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Project<'a> {
    #[serde(borrow)]
    mcp_servers: Definitions<'a>,
}

/// Servers by name.
type Definitions<'a> = BTreeMap<String, &'a RawValue>;

/// The part of a definition that is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Definition {
    #[serde(rename = "type")]
    kind: Option<String>,
    command: Option<String>,
    url: Option<String>,
}

/// A file or an option that defines servers.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct List<'a> {
    #[serde(borrow)]
    mcp_servers: Definitions<'a>,
}

impl ClientHome {
    /// Returns the servers that are defined for a project whose session works in `cwd`, each name once, those that the
    /// client prefers first: the project's own in the user's file, `.mcp.json`, the user's.
    pub fn servers(&self, root: &Path, cwd: &Path, missing: &mut Vec<Skipped>) -> Vec<Server> {
        let mut all: Vec<Server> = Vec::new();
        let own = self.read_own(missing);
        let own: OwnFile<'_> = own
            .as_deref()
            .and_then(|json| serde_json::from_slice(without_mark(json)).ok())
            .unwrap_or_default();
        for folder in [cwd, root] {
            if let Some(project) = own.projects.get(folder.to_string_lossy().as_ref()) {
                add(&mut all, &project.mcp_servers, true);
            }
        }
        let claude = root.join(".claude");
        for (path, users_own) in [
            (cwd.join(".mcp.json"), false),
            (root.join(".mcp.json"), false),
            (claude.join("settings.local.json"), false),
            (claude.join("settings.json"), false),
            (self.config().join("settings.json"), true),
        ] {
            let json =
                path.canonicalize().ok().and_then(|path| files::read_plain(&path, LARGEST).ok().flatten());
            let list: List<'_> = json
                .as_deref()
                .and_then(|json| serde_json::from_slice(without_mark(json)).ok())
                .unwrap_or_default();
            add(&mut all, &list.mcp_servers, users_own);
        }
        add(&mut all, &own.mcp_servers, true);
        all
    }

    /// Reads the client's own file: in its folder if that was chosen, else beside it.
    fn read_own(&self, missing: &mut Vec<Skipped>) -> Option<Vec<u8>> {
        let beside = self.home().join(".claude.json");
        let inside = self.config().join(".claude.json");
        let usual = self.config() == self.home().join(".claude");
        let path: PathBuf = if usual && !inside.exists() { beside } else { inside };
        let path = path.canonicalize().ok()?;
        files::read_plain(&path, LARGEST).unwrap_or_else(|error| {
            missing.push(Skipped::at(&path, format!("its MCP servers can't be read: {}", error.cause())));
            None
        })
    }
}

/// Returns the servers that an option's JSON defines.
pub(super) fn servers_of(json: &[u8]) -> Vec<McpServer> {
    let list: List<'_> = serde_json::from_slice(without_mark(json)).unwrap_or_default();
    let mut all = Vec::new();
    add(&mut all, &list.mcp_servers, true);
    all.iter().map(Server::named).collect()
}

fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json)
}

fn add(all: &mut Vec<Server>, definitions: &Definitions<'_>, users_own: bool) {
    for (name, definition) in definitions.iter().take(MOST) {
        if all.iter().any(|other| other.name == *name) {
            continue;
        }
        let definition: Definition = serde_json::from_str(definition.get()).unwrap_or_default();
        let usual = if definition.url.is_some() { "http" } else { "stdio" };
        let reach = match (definition.command, definition.url) {
            (Some(command), _) => Transport::Command(command),
            (None, Some(url)) => Transport::Address(url),
            (None, None) => Transport::Unknown,
        };
        let transport = definition.kind.unwrap_or_else(|| usual.to_owned());
        all.push(Server { name: name.clone(), transport, reach, users_own });
    }
}

impl Server {
    /// Returns what a snapshot may say of it.
    pub fn named(&self) -> McpServer {
        McpServer { name: self.name.clone(), transport: self.transport.clone(), used: false }
    }
}

/// Marks the servers whose tools were called, and adds those that nothing here defines.
pub fn mark_used<'a>(servers: &mut Vec<McpServer>, tools: impl Iterator<Item = &'a String>) {
    for tool in tools {
        let Some(called) = tool.strip_prefix("mcp__") else { continue };
        let is_of = |name: &str| {
            called
                .strip_prefix(plain(name).as_str())
                .is_some_and(|rest| rest.starts_with("__") || rest.is_empty())
        };
        // Of two that fit, the longer name is meant.
        let defined = servers.iter_mut().filter(|server| is_of(&server.name));
        match defined.max_by_key(|server| server.name.len()) {
            Some(server) => server.used = true,
            None => {
                let name = called.split_once("__").map_or(called, |(name, _)| name).to_owned();
                servers.push(McpServer { name, transport: "unknown".to_owned(), used: true });
            }
        }
    }
}

/// Returns a server's name as it stands in the names of its tools.
fn plain(name: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    name.chars().map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_definition_only_name_and_transport_are_told() {
        let json = br#"{"mcpServers": {"db": {"command": "/bin/db", "args": ["do-not-keep-me"], "env": {"K": "do-not-keep-me"}},
            "web": {"type": "sse", "url": "https://do-not-keep-me.example/x"}, "odd": 7}}"#;
        let told = servers_of(json);
        let told: Vec<(&str, &str)> =
            told.iter().map(|one| (one.name.as_str(), one.transport.as_str())).collect();
        assert_eq!(told, [("db", "stdio"), ("odd", "stdio"), ("web", "sse")]);
    }

    #[test]
    fn a_call_is_of_the_server_with_the_longest_name_that_fits() {
        let server =
            |name: &str| McpServer { name: name.to_owned(), transport: "stdio".to_owned(), used: false };
        let mut servers = vec![server("my db"), server("my_db__old"), server("idle")];
        let tools = ["mcp__my_db__query", "mcp__my_db__old__query", "mcp__gone__x", "mcp__gone__y"];
        mark_used(&mut servers, tools.map(str::to_owned).iter());
        let used: Vec<(&str, &str, bool)> =
            servers.iter().map(|one| (one.name.as_str(), one.transport.as_str(), one.used)).collect();
        assert_eq!(
            used,
            [
                ("my db", "stdio", true),
                ("my_db__old", "stdio", true),
                ("idle", "stdio", false),
                ("gone", "unknown", true)
            ]
        );
    }
}
