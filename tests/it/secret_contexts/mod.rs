//! Secrets in the words of real work: outputs, files and commands as programs write them, with random values in the
//! places of the secrets.
//!
//! The templates stand in the text files beside this one: `## NAME`, then the text, with holes such as `{{pw|json}}`
//! (`values.rs`). A name that begins with `!` is out of reach: nothing tells. Most of those in `programs/` were seen: what
//! the named program printed, with a hole where it printed a secret that it had been given. Where the program can't be run
//! here (`docker inspect`, `nmcli`, `systemctl`, histories, `crontab`), the text is in its format; those in
//! `programs/keys.txt` were written by hand after such outputs. The others here are written after what the programs'
//! documentation says of their formats.

pub(crate) mod values;

use crate::support::planted::Random;

/// The templates, by group.
const GROUPS: [(&str, &str); 14] = [
    ("shell", include_str!("shell.txt")),
    ("json", include_str!("json.txt")),
    ("config", include_str!("config.txt")),
    ("network", include_str!("network.txt")),
    ("commands", include_str!("commands.txt")),
    ("text", include_str!("text.txt")),
    ("encoded", include_str!("encoded.txt")),
    ("seen: environment", include_str!("programs/environment.txt")),
    ("seen: languages", include_str!("programs/languages.txt")),
    ("seen: viewers", include_str!("programs/viewers.txt")),
    ("seen: wire", include_str!("programs/wire.txt")),
    ("seen: databases", include_str!("programs/databases.txt")),
    ("seen: tools", include_str!("programs/tools.txt")),
    ("seen: keys", include_str!("programs/keys.txt")),
];

/// A text as it is met, with secrets in it.
pub(crate) struct Context {
    pub(crate) name: &'static str,
    /// Whether a name, a place or a shape tells that there is a secret.
    pub(crate) tells: bool,
    template: &'static str,
}

/// A context with values in it.
pub(crate) struct Planted {
    pub(crate) text: String,
    /// For each secret the parts that must not be stored.
    pub(crate) secrets: Vec<Vec<String>>,
}

/// Returns all contexts.
pub(crate) fn contexts() -> Vec<Context> {
    GROUPS.iter().flat_map(|(_, text)| parse(text)).collect()
}

/// Reads the contexts of a group.
pub(crate) fn parse(text: &'static str) -> Vec<Context> {
    let sections = text.strip_prefix("## ").unwrap_or(text).split("\n## ");
    let context = |section: &'static str| {
        let (name, template) = section.split_once('\n').unwrap_or((section, ""));
        Context { name: name.trim_start_matches('!'), tells: !name.starts_with('!'), template }
    };
    sections.map(context).collect()
}

impl Context {
    /// Fills the holes.
    pub(crate) fn plant(&self, random: &mut Random) -> Planted {
        let mut planted = Planted { text: String::new(), secrets: Vec::new() };
        let mut rest = self.template;
        while let Some(at) =
            rest.match_indices("{{").map(|(at, _)| at).find(|at| !rest[at + 2..].starts_with('{'))
        {
            let Some(length) = rest[at..].find("}}") else { break };
            let hole = &rest[at + 2..at + length];
            planted.text += &rest[..at];
            let named = hole.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_|".contains(&byte));
            if named {
                let written = values::fill(random, hole);
                planted.text += &written.text;
                planted.secrets.extend((!written.needles.is_empty()).then_some(written.needles));
            } else {
                planted.text += &rest[at..at + length + 2];
            }
            rest = &rest[at + length + 2..];
        }
        planted.text += rest;
        planted
    }
}

/// Whether a secret is still there: two thirds of one of its parts in one piece.
pub(crate) fn is_left(secret: &[String], text: &[u8]) -> bool {
    secret.iter().any(|part| {
        let piece = (part.len() * 2 / 3).max(6).min(part.len());
        let part = part.as_bytes();
        (0..=part.len() - piece).any(|at| memchr::memmem::find(text, &part[at..at + piece]).is_some())
    })
}
