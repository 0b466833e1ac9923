//! Where known secret values come from: the environment, `.env` files, settings, and what was taken out before.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::is_found_by_value;
use super::vault::Vault;
use crate::base::encoding::text_of;
use crate::base::error::Result;
use crate::git::{Listing, work_trees_of};
use crate::secrets::{KnownValue, worth_remembering};
use crate::sys::files;
use crate::workspace::Workspace;

/// A larger file of variables is none.
const LARGEST: u64 = 1 << 20;

/// The most folders below the root that are looked into.
const MOST_FOLDERS: usize = 300;

/// The most other work trees whose files are read.
const MOST_TREES: usize = 20;

/// The most files that a listing of a work tree adds.
const MOST_LISTED: usize = 300;

/// Returns the variables of a place with their values: environment, files, settings.
pub(super) fn variables(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let mut all: Vec<(String, String)> = workspace.variables.0.clone();
    all.extend(workspace.client.variables(&workspace.root));
    // Whoever works in a linked work tree often has the variables only in the main one.
    let others = work_trees_of(&workspace.root).into_iter().filter(|root| *root != workspace.root);
    let folders = folders(&workspace.root).into_iter().chain(others.take(MOST_TREES));
    for folder in folders {
        let inside = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        all.extend(
            inside.filter(|path| is_of_variables(path.as_os_str().as_bytes())).flat_map(|path| read(&path)),
        );
    }
    Ok(all)
}

/// Returns the variables of the files that are anywhere in a work tree, whether git ignores them or not.
pub(super) fn listed(root: &Path, listing: &Listing) -> Vec<(String, String)> {
    let tracked = listing.index.versions(is_of_variables).into_iter().map(|(path, _)| path);
    let others = listing.ignored.iter().map(|entry| &entry.path);
    let others = others.chain(listing.pending.iter().map(|entry| &entry.path)).cloned();
    let all = tracked.chain(others).filter(|path| is_of_variables(path.as_bytes()));
    all.take(MOST_LISTED).flat_map(|path| read(&root.join(path.as_path()))).collect()
}

/// The root and the folders in it, where programs of a common repository have theirs.
fn folders(root: &Path) -> Vec<PathBuf> {
    let inside = std::fs::read_dir(root).into_iter().flatten().flatten();
    let inside = inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let inside = inside
        .map(|entry| entry.path())
        .filter(|path| !path.ends_with(".git") && !path.ends_with("node_modules"));
    std::iter::once(root.to_owned()).chain(inside.take(MOST_FOLDERS)).collect()
}

/// Says whether a file is one of variables, by its name.
pub(super) fn is_of_variables(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    name.starts_with(b".env") && !is_template(name)
}

/// Reads a file of variables. People link theirs into place from elsewhere.
fn read(path: &Path) -> Vec<(String, String)> {
    let target = std::fs::canonicalize(path).ok();
    let bytes = target.and_then(|target| files::read_plain(&target, LARGEST).ok().flatten());
    bytes.map(|bytes| parse(&text_of(&bytes))).unwrap_or_default()
}

fn is_template(name: &[u8]) -> bool {
    ["example", "sample", "template", "dist"].iter().any(|end| name.ends_with(end.as_bytes()))
}

/// Reads `NAME=value` lines as shells and the usual libraries do.
fn parse(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let named = |sign: &str| {
            let (name, value) = line.split_once(sign)?;
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
            let (name, value) = (name.trim(), value.trim());
            (!name.is_empty() && name.bytes().all(is_name)).then_some((name, value))
        };
        let Some((name, value)) = named("=").or_else(|| named(": ")) else { continue };
        let quoted = |quote: char| Some(value.strip_prefix(quote)?.split_once(quote)?.0);
        let value = match quoted('"').or_else(|| quoted('\'')).or_else(|| quoted('`')) {
            Some(inside) => inside,
            None => value.split(" #").next().unwrap_or_default().trim(),
        };
        all.push((name.to_owned(), value.to_owned()));
    }
    all
}

/// Adds values that were taken out before and are kept, but those that a rule finds by their shape. If a variable was rotated
/// since, its old value must not get into the next snapshot.
pub(super) fn known_before(
    workspace: &Workspace,
    keeper: &Vault,
    known: &mut Vec<KnownValue>,
    seen: &mut Vec<KnownValue>,
) -> Result<()> {
    // A store that was copied, or that came back from a backup, has its values under the store that it was.
    let of_others = keeper.ids_of_others().unwrap_or_default();
    let ids = match keeper.ids() {
        Ok(ids) if ids.is_empty() && of_others.is_empty() => return Ok(()),
        // What can't be listed matters only if a snapshot needs something of it.
        ids => ids.unwrap_or_default(),
    };
    let own: BTreeSet<String> = ids.iter().cloned().collect();
    // What was shared as it went is in no snapshot here: of that, the value alone is known.
    let mut all: BTreeMap<String, (String, String)> =
        ids.into_iter().map(|id| (id, ("seen".to_owned(), String::new()))).collect();
    for head in workspace.store.known()?.iter().filter_map(|known| known.head.as_ref().ok()) {
        for secret in &head.secrets {
            let name = secret.names.first().cloned().unwrap_or_default();
            all.insert(secret.id.clone(), (secret.kind.clone(), name));
        }
    }
    let is_kept = |id: &String| own.contains(id) || of_others.contains(id);
    for (id, (kind, name)) in all.into_iter().filter(|(id, _)| is_kept(id)) {
        let (is_own, is_looked_for) = (own.contains(&id), is_found_by_value(&kind));
        if is_own && !is_looked_for {
            continue;
        }
        let Some(value) = keeper.kept(&id)? else { continue };
        if !is_own {
            // Of a copy: the other store removes its own when it needs it no more.
            let _found_there_again = keeper.keep(&id, &value);
        }
        if !is_looked_for {
            continue;
        }
        match String::from_utf8(value) {
            Ok(value) if known.iter().any(|one| one.value == value) => {}
            // As it stood in some file.
            Ok(value) if kind == "known" => known.push(KnownValue { name, value, is_whole: false }),
            Ok(value) => seen.extend(worth_remembering(&name, value.as_bytes())),
            Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_variables_are_read_as_they_are_written() {
        let text =
            "# x\nA=1\nexport B = \"two # three\" # c\nC='q\"r'\nD=x # y\nnot a line\n9 X=3\ndb.url: z\n";
        let all = parse(text);
        let all: Vec<(&str, &str)> =
            all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(all, [("A", "1"), ("B", "two # three"), ("C", "q\"r"), ("D", "x"), ("db.url", "z")]);
    }

    #[test]
    fn the_first_variable_is_read_behind_the_mark_of_an_editor() {
        let utf16 = |mark: u16| [mark].into_iter().chain("A=1\n".encode_utf16());
        for bytes in [
            [&[0xef, 0xbb, 0xbf][..], b"A=1\n"].concat(),
            utf16(0xfeff).flat_map(u16::to_le_bytes).collect(),
            utf16(0xfeff).flat_map(u16::to_be_bytes).collect(),
        ] {
            assert_eq!(parse(&text_of(&bytes)), [("A".to_owned(), "1".to_owned())], "{bytes:?}");
        }
    }
}
