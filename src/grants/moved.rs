//! The paths of a rule, moved from the place where it was granted to this one.

use super::{Places, Rule, class};

/// Rewrites a rule for the new place; `None` if it points outside the work tree there.
///
/// Text that can't be read as a rule stays as it is: its class warns of it.
pub(super) fn moved(text: &str, file: Option<&str>, places: &Places<'_>) -> Option<String> {
    let Some(rule) = Rule::parse(text) else { return Some(text.to_owned()) };
    let Some(content) = &rule.content else { return Some(text.to_owned()) };
    if !class::takes_path(&rule.tool) {
        let there = moved_text(content, places.folders);
        return Some(if there == *content {
            text.to_owned()
        } else {
            Rule { content: Some(there), ..rule }.text()
        });
    }
    let of_the_user = file.is_some_and(|file| file.starts_with('~'));
    let there = match content.strip_prefix("//") {
        Some(absolute) => Some(format!("/{absolute}")),
        None => match content.strip_prefix("~/") {
            Some(rest) => Some(format!("{}/{rest}", places.old_home)),
            None if content.starts_with('~') => return None,
            // In the user's settings it is a path below their folder, not below a project's.
            None if of_the_user && content.starts_with('/') => return None,
            None => None,
        },
    };
    if content.split('/').any(|part| part == "..") {
        return None;
    }
    let Some(there) = there else { return Some(text.to_owned()) };
    let there = moved_path(&there, places.folders);
    let inside = below(&there, places.root).is_some();
    inside.then(|| {
        let content = format!("/{there}");
        if content == *rule.content.as_deref().unwrap_or_default() {
            return text.to_owned();
        }
        Rule { tool: rule.tool.clone(), content: Some(content) }.text()
    })
}

pub(super) fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(folder)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

pub(super) fn moved_path(path: &str, folders: &[(String, String)]) -> String {
    let new = folders.iter().find_map(|(old, new)| Some(format!("{new}{}", below(path, old)?)));
    new.unwrap_or_else(|| path.to_owned())
}

/// Replaces the old folders in a command, where they are whole paths.
pub(super) fn moved_text(text: &str, folders: &[(String, String)]) -> String {
    let of_a_path = |c: char| c.is_alphanumeric() || "_-./~".contains(c);
    let mut moved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let starts = !moved.ends_with(of_a_path);
        let found = folders.iter().filter(|_| starts && c == '/').find_map(|(old, new)| {
            let behind = rest.strip_prefix(old.as_str())?;
            (behind.starts_with('/') || !behind.starts_with(of_a_path)).then_some((behind, new))
        });
        match found {
            Some((behind, new)) => {
                moved.push_str(new);
                rest = behind;
                // What follows belongs to this path.
                let end = rest.find(|c| !of_a_path(c)).unwrap_or(rest.len());
                moved.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            None => {
                moved.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    moved
}
