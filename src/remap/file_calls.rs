//! Which results of tools are the text of files, told by the calls: `Read`, `Edit`, a search, a command such as `cat`.
//!
//! A result does not say what was called, so the calls are remembered from the records in which they stand. Prefers to
//! take a result for prose: a command counts only if all of it does nothing but print files.

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What of a text names places; the rest of it is the text of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamesPlaces {
    /// Nothing: all of it is a file's.
    Nowhere,
    /// The first line, which says what was done; below it stand the lines of the file.
    InFirstLine,
    /// Where a line begins: with the path in which a search found the rest.
    AtLineStarts,
}

/// The calls whose results hold text of files, by the id of each; learnt from the records, in their order.
#[derive(Debug, Default)]
pub struct FileCalls(HashMap<Box<str>, NamesPlaces>);

#[derive(Deserialize)]
struct CallRecord<'a> {
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

impl FileCalls {
    /// Takes in one record.
    pub fn observe(&mut self, record: &[u8]) {
        if memmem::find(record, b"\"tool_use\"").is_none() {
            return;
        }
        let content = serde_json::from_slice::<CallRecord<'_>>(record).ok().and_then(|record| record.message);
        let Some(content) = content.and_then(|message| message.content) else { return };
        for call in serde_json::from_str::<Vec<Call<'_>>>(content.get()).unwrap_or_default() {
            if let ("tool_use", Some(id), Some(name)) = (call.kind.as_ref(), call.id, call.name)
                && let Some(names) = answer_of(&name, call.input)
            {
                self.0.insert(id.into(), names);
            }
        }
    }

    pub(crate) fn answer(&self, id: &[u8]) -> Option<NamesPlaces> {
        self.0.get(std::str::from_utf8(id).ok()?).copied()
    }
}

/// What the result of a call is; `None` if it is prose.
fn answer_of(tool: &str, input: Option<&RawValue>) -> Option<NamesPlaces> {
    #[derive(Deserialize)]
    struct Command {
        command: String,
    }
    match tool {
        "Read" | "NotebookRead" => Some(NamesPlaces::Nowhere),
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" => Some(NamesPlaces::InFirstLine),
        "Grep" => Some(NamesPlaces::AtLineStarts),
        "Bash" => printed(&serde_json::from_str::<Command>(input?.get()).ok()?.command),
        // A server's tool says in its name what it does.
        _ if !tool.starts_with("mcp__") || !tool.contains("file") => None,
        _ if tool.contains("read") => Some(NamesPlaces::Nowhere),
        _ if tool.contains("write") || tool.contains("edit") => Some(NamesPlaces::InFirstLine),
        _ => None,
    }
}

/// What a command prints, if all of it does nothing but print files.
fn printed(command: &str) -> Option<NamesPlaces> {
    let mut printed = None;
    for pipeline in
        command.split([';', '\n']).flat_map(|part| part.split("&&")).flat_map(|part| part.split("||"))
    {
        let mut steps = pipeline.split('|').map(str::trim);
        let first = steps.next().unwrap_or_default();
        if !steps.all(is_filter) {
            return None;
        }
        match of_program(first)? {
            Printed::Nothing => {}
            Printed::Files(NamesPlaces::AtLineStarts) if printed.is_none() => {
                printed = Some(NamesPlaces::AtLineStarts);
            }
            Printed::Files(NamesPlaces::AtLineStarts) if printed == Some(NamesPlaces::AtLineStarts) => {}
            Printed::Files(_) => printed = Some(NamesPlaces::Nowhere),
        }
    }
    printed
}

/// What one program prints.
enum Printed {
    Nothing,
    Files(NamesPlaces),
}

/// `None` for a program that may print anything.
fn of_program(command: &str) -> Option<Printed> {
    let mut words = command.split_whitespace();
    match words.next().unwrap_or_default() {
        "" | "cd" | "true" => Some(Printed::Nothing),
        "cat" | "head" | "tail" | "nl" | "tac" | "sed" | "awk" | "bat" | "diff" => {
            Some(Printed::Files(NamesPlaces::Nowhere))
        }
        "grep" | "egrep" | "fgrep" | "rg" => Some(Printed::Files(NamesPlaces::AtLineStarts)),
        "git" => match words.find(|word| !word.starts_with('-')) {
            Some("diff" | "show" | "blame") => Some(Printed::Files(NamesPlaces::Nowhere)),
            Some("grep") => Some(Printed::Files(NamesPlaces::AtLineStarts)),
            _ => None,
        },
        _ => None,
    }
}

/// Says whether a program only passes on lines of what it reads.
fn is_filter(command: &str) -> bool {
    let program = command.split_whitespace().next().unwrap_or_default();
    ["cat", "cut", "egrep", "grep", "head", "nl", "sed", "sort", "tail", "uniq", "wc"].contains(&program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_prints_files_only_if_it_does_nothing_else() {
        use NamesPlaces::{AtLineStarts, Nowhere};
        for (command, wanted) in [
            ("cat /x/a", Some(Nowhere)),
            ("cd /x && cat a | head -5", Some(Nowhere)),
            ("sed -n '1,20p' a; tail -3 b", Some(Nowhere)),
            ("git --no-pager diff HEAD", Some(Nowhere)),
            ("grep -rn word /x | sort | head", Some(AtLineStarts)),
            ("rg word; cat a", Some(Nowhere)),
            ("git status", None),
            ("ls -la /x", None),
            ("cat a | sh", None),
            ("cat a && make", None),
            ("pwd", None),
            ("cd /x", None),
            ("", None),
        ] {
            assert_eq!(printed(command), wanted, "{command}");
        }
    }
}
