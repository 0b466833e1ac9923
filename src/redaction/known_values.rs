//! Where known secret values come from: the environment, `.env` files, settings.

use std::path::Path;

use crate::base::error::Result;
use crate::sys::files;
use crate::workspace::Workspace;

/// A larger file of variables is none.
const LARGEST: u64 = 256 << 10;

/// The most folders below the root that are looked into.
const MOST_FOLDERS: usize = 300;

/// Returns the variables of a place with their values: environment, files, settings.
pub(super) fn variables(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let mut all: Vec<(String, String)> = workspace.variables.0.clone();
    all.extend(workspace.client.variables(&workspace.root));
    for folder in folders(&workspace.root) {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let holds_values =
                name.to_str().is_some_and(|name| name.starts_with(".env") && !is_template(name));
            if holds_values && let Ok(Some(text)) = files::read_plain(&entry.path(), LARGEST) {
                all.extend(parse(&String::from_utf8_lossy(&text)));
            }
        }
    }
    Ok(all)
}

/// The root and the folders in it, where programs of a common repository have theirs.
fn folders(root: &Path) -> Vec<std::path::PathBuf> {
    let inside = std::fs::read_dir(root).into_iter().flatten().flatten();
    let inside = inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let inside = inside
        .map(|entry| entry.path())
        .filter(|path| !path.ends_with(".git") && !path.ends_with("node_modules"));
    std::iter::once(root.to_owned()).chain(inside.take(MOST_FOLDERS)).collect()
}

fn is_template(name: &str) -> bool {
    ["example", "sample", "template", "dist"].iter().any(|end| name.ends_with(end))
}

/// Reads `NAME=value` lines as shells and the usual libraries do.
fn parse(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let quoted = |quote: char| Some(value.strip_prefix(quote)?.split_once(quote)?.0);
        let value = match quoted('"').or_else(|| quoted('\'')).or_else(|| quoted('`')) {
            Some(inside) => inside,
            None => value.split(" #").next().unwrap_or_default().trim(),
        };
        all.push((name.to_owned(), value.to_owned()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_variables_are_read_as_they_are_written() {
        let text = "# x\nA=1\nexport B = \"two # three\" # c\nC='q\"r'\nD=x # y\nnot a line\n9 X=3\n";
        let all = parse(text);
        let all: Vec<(&str, &str)> =
            all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(all, [("A", "1"), ("B", "two # three"), ("C", "q\"r"), ("D", "x")]);
    }
}
