//! The client's own tools and those of MCP servers: which of them can destroy work, judged by their input.
//!
//! Pure. A tool of a server is known only by the words of its name, so in doubt it is a risk. One that
//! writes a single file is a risk only if that file holds content that exists nowhere else.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::rules::Rules;
use super::state::plain;
use super::touched::Touched;
use super::touched_place::{Reach, Target};
use super::{Call, Risk, StepContext, Unsaved, shortened};

/// More paths than this in one input are not looked at.
const MOST_PATHS: usize = 200;

/// The client's tools that change one file, with what that is called.
const EDITORS: [(&str, &str); 4] =
    [("Write", "write"), ("Edit", "edit"), ("MultiEdit", "edit"), ("NotebookEdit", "edit")];

/// Words in the name of a server's tool that say that something is changed in place.
const WRITING: [&str; 13] = [
    "write", "edit", "replace", "patch", "apply", "insert", "update", "modify", "save", "create", "put",
    "append", "copy",
];

/// Words in the name of a server's tool that say that something goes.
const REMOVING: [&str; 20] = [
    "delete",
    "remove",
    "rm",
    "unlink",
    "trash",
    "erase",
    "move",
    "mv",
    "rename",
    "truncate",
    "overwrite",
    "discard",
    "reset",
    "checkout",
    "clean",
    "restore",
    "revert",
    "prune",
    "wipe",
    "purge",
];

/// Words in the name of a server's tool that say that it runs commands.
const RUNNING: [&str; 10] =
    ["execute", "exec", "run", "shell", "bash", "terminal", "command", "process", "cmd", "sh"];

/// Names of fields that hold the folder that everything else is seen from.
const FOLDERS: [&str; 8] = [
    "cwd",
    "workdir",
    "working_dir",
    "working_directory",
    "workingDirectory",
    "repo_path",
    "repoPath",
    "workspace",
];

/// Returns the command line that a tool runs, and the folder that it names for it.
pub(super) fn command_of<'a>(call: &Call<'a>) -> Option<(String, Option<&'a str>)> {
    let server = call.tool.starts_with("mcp__");
    if server && !words(call.tool).iter().any(|word| RUNNING.contains(&word.as_str())) {
        return None;
    }
    let fields = ["command", "cmd", "script"];
    let fields = if server { &fields[..] } else { &fields[..1] };
    let command = fields.iter().find_map(|field| call.input.get(*field))?;
    let line = match command {
        Value::String(line) => line.clone(),
        Value::Array(words) => quoted(words),
        _ => return None,
    };
    let more =
        call.input.get("args").and_then(Value::as_array).map(|words| quoted(words)).unwrap_or_default();
    Some((format!("{line} {more}").trim_end().to_owned(), folder_of(call.input)))
}

/// Says whether a call of a tool that runs no commands is a risk.
pub(super) fn of_call(call: &Call<'_>, rules: &Rules, context: &StepContext<'_>) -> Option<Risk> {
    if let Some((_, verb)) = EDITORS.iter().find(|(tool, _)| *tool == call.tool) {
        let file = ["file_path", "notebook_path", "path"]
            .iter()
            .find_map(|field| call.input.get(*field)?.as_str())?;
        return of_file(verb, &plain(&context.cwd.join(file)), rules, context);
    }
    match call.tool {
        "ExitWorktree" => exit(call.input, rules, context),
        tool if tool.starts_with("mcp__") => of_server(tool, call.input, rules, context),
        _ => None,
    }
}

/// A tool that changes one file: a risk if what it holds is nowhere else.
fn of_file(verb: &str, path: &Path, rules: &Rules, context: &StepContext<'_>) -> Option<Risk> {
    let lost =
        rules.is_on("overwrite") && matches!(context.around.unsaved(path), Unsaved::Edits | Unsaved::Whole);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    lost.then(|| Risk {
        class: "overwrite".to_owned(),
        step: shortened(&format!("{verb} {name}")),
        touched: Touched {
            targets: vec![Target { path: path.to_owned(), reach: Reach::Below }],
            ..Touched::default()
        },
        one_file: true,
    })
}

/// Leaving a work tree that the client made: a risk unless the tree stays.
fn exit(input: &Value, rules: &Rules, context: &StepContext<'_>) -> Option<Risk> {
    let keeps = input["action"] == "keep" && input["discard_changes"] != true;
    (!keeps && rules.is_on("discard")).then(|| Risk {
        class: "discard".to_owned(),
        step: "ExitWorktree".to_owned(),
        touched: Touched {
            targets: vec![Target { path: context.cwd.to_owned(), reach: Reach::Whole }],
            ..Touched::default()
        },
        one_file: false,
    })
}

fn of_server(tool: &str, input: &Value, rules: &Rules, context: &StepContext<'_>) -> Option<Risk> {
    let words = words(tool);
    let any = |of: &[&str]| words.iter().any(|word| of.contains(&word.as_str()));
    let (removes, writes) = (any(&REMOVING), any(&WRITING));
    let folder = folder_of(input);
    let base = folder.map_or_else(|| context.cwd.to_owned(), |folder| plain(&context.cwd.join(folder)));
    let mut paths = Vec::new();
    paths_in(input, &base, &mut paths);
    if let (true, true, Some(_)) = (removes, paths.is_empty(), folder) {
        paths.push(base);
    }
    let class = if removes { "delete" } else { "overwrite" };
    if !(removes || writes) || paths.is_empty() || !rules.is_on(class) {
        return None;
    }
    let name = tool.rsplit("__").next().unwrap_or(tool);
    let lost = |path: &PathBuf| matches!(context.around.unsaved(path), Unsaved::Edits | Unsaved::Whole);
    if !removes {
        paths.retain(lost);
    }
    let first =
        paths.first()?.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let targets = paths.into_iter().map(|path| Target { path, reach: Reach::Below }).collect();
    Some(Risk {
        class: class.to_owned(),
        step: shortened(&format!("{name} {first}")),
        touched: Touched { targets, ..Touched::default() },
        one_file: !removes,
    })
}

fn folder_of(input: &Value) -> Option<&str> {
    FOLDERS.iter().find_map(|field| input.get(*field)?.as_str())
}

/// Returns the words of a tool's name, behind the server's: `moveFile_now` has three.
fn words(tool: &str) -> Vec<String> {
    let name = tool.rsplit("__").next().unwrap_or(tool);
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || (lower && c.is_ascii_uppercase()) {
            words.push(String::new());
        }
        lower = c.is_ascii_lowercase();
        if c.is_ascii_alphanumeric()
            && let Some(last) = words.last_mut()
        {
            last.push(c.to_ascii_lowercase());
        }
    }
    words
}

/// Collects the values under names that mean paths, however deep.
fn paths_in(input: &Value, base: &Path, paths: &mut Vec<PathBuf>) {
    let named = |name: &str| {
        let name = name.to_ascii_lowercase();
        let ends =
            ["path", "paths", "file", "files", "filename", "filenames", "uri", "dir", "directory", "folder"];
        let whole =
            ["source", "src", "destination", "dest", "dst", "target", "from", "to", "sources", "old", "new"];
        !FOLDERS.iter().any(|folder| folder.eq_ignore_ascii_case(&name))
            && (ends.iter().any(|end| name.ends_with(end)) || whole.contains(&name.as_str()))
    };
    let mut add = |text: &str| {
        let text = text.strip_prefix("file://").unwrap_or(text);
        let odd =
            text.is_empty() || text.len() > 4_096 || text.contains(['\0', '\n']) || text.contains("://");
        if !odd && paths.len() < MOST_PATHS {
            paths.push(plain(&base.join(text)));
        }
    };
    let Some(fields) = input.as_object() else { return };
    for (name, value) in fields {
        match value {
            Value::String(text) if named(name) => add(text),
            Value::Array(all) if named(name) => all.iter().filter_map(Value::as_str).for_each(&mut add),
            _ => {}
        }
    }
    for value in fields.values() {
        match value {
            Value::Object(_) => paths_in(value, base, paths),
            Value::Array(all) => all.iter().for_each(|one| paths_in(one, base, paths)),
            _ => {}
        }
    }
}

/// Makes a command line of words.
fn quoted(words: &[Value]) -> String {
    let words = words.iter().filter_map(Value::as_str);
    let words: Vec<String> = words.map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
    words.join(" ")
}
