//! Where a session goes on: the folder here that corresponds to its own, and which old folder stands for this root if
//! that is not the one that was saved.
//!
//! A session can have been saved for a work tree that it did not work in: its folder was renamed, or it comes from a
//! machine of another kind. Then its own folders tell. If its folder is still there, it belongs to another place, and
//! nothing of it stands for this root.

use std::path::{Path, PathBuf};

use crate::base::error::Result;
use crate::manifest::{Manifest, Session, Transcript};
use crate::remap::{MapError, Outside, PathMap, counterpart, way_below};
use crate::restore::session::saved_lines::saved_lines;
use crate::store::Store;
use crate::workspace::Workspace;

/// Where a session goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::restore) struct GoesOn {
    /// The folder that the client works in.
    pub(in crate::restore) cwd: PathBuf,
    /// The session's own folder that stands for this root, if it is not below the one that was saved.
    pub(in crate::restore) own_root: Option<String>,
}

impl GoesOn {
    /// Finds the folder that corresponds to the session's own; the root if it is not there.
    ///
    /// # Errors
    /// [`Kind::Damaged`](crate::base::error::Kind::Damaged) if a piece of the transcript is.
    pub(in crate::restore) fn look(
        workspace: &Workspace,
        manifest: &Manifest,
        session: &Session,
        transcript: &Transcript,
    ) -> Result<GoesOn> {
        let (root, cwd) = (manifest.workspace.root.as_path(), session.cwd.as_path());
        let own_root = if cwd.starts_with(root) || root.starts_with(cwd) {
            None
        } else {
            own_root(workspace, root, cwd, transcript)?
        };
        let inside = match (&own_root, cwd.to_str()) {
            (Some(own), Some(cwd)) => way_below(cwd, own).map(|way| way.iter().collect()),
            _ => cwd.strip_prefix(root).ok().map(Path::to_owned),
        };
        // The other machine's path is only believed if it leads to a real folder inside the root.
        let there = workspace.root.join(inside.unwrap_or_default()).canonicalize().ok();
        let cwd = there
            .filter(|folder| folder.is_dir() && folder.starts_with(&workspace.root))
            .unwrap_or_else(|| workspace.root.clone());
        Ok(GoesOn { cwd, own_root })
    }
}

fn own_root(
    workspace: &Workspace,
    root: &Path,
    cwd: &Path,
    transcript: &Transcript,
) -> Result<Option<String>> {
    let Some(named) = NamedPaths::read(&workspace.store, transcript)? else { return Ok(None) };
    let first = named.first.as_deref().or(cwd.to_str()).unwrap_or_default();
    // It began in the place that was saved, and only went elsewhere; or elsewhere it is still at home.
    if Path::new(first).starts_with(root) || Path::new(first).is_dir() {
        return Ok(None);
    }
    let paths: Vec<&str> = named.outside.paths().iter().map(|(path, _)| path.as_str()).collect();
    Ok(counterpart(first, &paths, |way| workspace.root.join(way.iter().collect::<PathBuf>()).exists()))
}

/// What a session named: the folder that it began in, and some paths.
struct NamedPaths {
    first: Option<String>,
    outside: Outside,
}

impl NamedPaths {
    /// `None` if it can't be searched for.
    fn read(store: &Store, transcript: &Transcript) -> Result<Option<NamedPaths>> {
        #[derive(serde::Deserialize)]
        struct RecordFolder {
            cwd: String,
        }
        let outside: std::result::Result<Outside, MapError> = Outside::new(&PathMap::noop());
        let Ok(mut outside) = outside else { return Ok(None) };
        let mut first = None;
        let mut lines = saved_lines(store, transcript);
        while let Some(line) = lines.next_line()? {
            outside.collect(line);
            if first.is_none() {
                first = serde_json::from_slice(line).ok().map(|record: RecordFolder| record.cwd);
            }
        }
        Ok(Some(NamedPaths { first, outside }))
    }
}
