//! Maps the place where a session was saved to the place where it continues: the path map, and the session's
//! files with it applied.
//!
//! In the same place nothing is rewritten except the session's own id, if it got a new one.

use std::io::{self, Write};
use std::path::Path;

use crate::base::error::{Error, Kind, Result};
use crate::base::ids::ClientId;
use crate::client::slug;
use crate::manifest::{Manifest, Session};
use crate::remap::{MapSpec, Out, Outside, PairKind, PathMap, RemapMode, RemapReport, Remapper};
use crate::workspace::Workspace;

/// What the person asked for.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// How much is rewritten.
    pub mode: RemapMode,
    /// `--map OLD=NEW`.
    pub user: Vec<(String, String)>,
}

/// The map of one resume, and how much of it is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// The pairs.
    pub map: PathMap,
    /// How much is rewritten.
    pub mode: RemapMode,
}

/// What rewriting did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relocated {
    /// Whether the session was brought to another place at all.
    pub moved: bool,
    /// What was replaced, by form, and what was left.
    pub report: RemapReport,
    /// Paths in the records that the map says nothing about, with how often each occurs.
    pub outside: Vec<(String, u64)>,
}

impl Relocation {
    /// Makes the map from a snapshot's place to this one.
    ///
    /// # Errors
    /// [`Kind::Refused`] for a path that can't be mapped, with how to continue without.
    pub(in crate::restore) fn plan(
        workspace: &Workspace,
        manifest: &Manifest,
        session: &Session,
        id: &ClientId,
        cwd: &Path,
        paths: &Paths,
    ) -> Result<Relocation> {
        let renamed = (session.id != *id).then(|| (session.id.to_string(), id.to_string()));
        let old = &manifest.workspace;
        let (home, config) = (workspace.client.home(), workspace.client.config());
        let same = old.root.as_path() == workspace.root
            && old.home.as_path() == home
            && old.config_dir.as_path() == config
            && session.cwd.as_path() == cwd;
        if same && paths.user.is_empty() {
            let spec = MapSpec { session: renamed, ..MapSpec::default() };
            return Ok(Relocation { map: build(&spec)?, mode: RemapMode::Keep });
        }
        let main_here = match &workspace.repository {
            Some(repository) if repository.worktree_name().is_some() => repository.home()?,
            _ => workspace.root.clone(),
        };
        let text = |path: &Path| path.to_str().map(str::to_owned);
        let pair = |old: &Path, new: &Path| Some((text(old)?, text(new)?));
        let slugs = |old: &Path, new: &Path| pair(old, new).map(|(old, new)| (slug(&old), slug(&new)));
        let main = old.main.as_ref().map(|main| main.as_path());
        let roots = [pair(old.root.as_path(), &workspace.root), pair(old.config_dir.as_path(), config)];
        let spec = MapSpec {
            roots: roots
                .into_iter()
                .chain([main.and_then(|main| pair(main, &main_here))])
                .chain(session.other_roots.iter().map(|other| pair(other.as_path(), &workspace.root)))
                .flatten()
                .collect(),
            guards: old
                .others
                .iter()
                .filter(|other| Some(other.as_path()) != main)
                .filter_map(|other| text(other.as_path()))
                .collect(),
            slugs: [slugs(session.cwd.as_path(), cwd), slugs(old.root.as_path(), &workspace.root)]
                .into_iter()
                .chain([main.and_then(|main| slugs(main, &main_here))])
                .chain(session.other_roots.iter().map(|other| slugs(other.as_path(), &workspace.root)))
                .flatten()
                .collect(),
            session: renamed,
            user: paths.user.clone(),
            // A home of `/` (a container without users) is every path's beginning.
            home: pair(old.home.as_path(), home).filter(|(old, new)| old != "/" && new != "/"),
            ignore_case: false,
            // A container's root is often one component long, and its boundaries still hold.
            force: true,
        };
        Ok(Relocation { map: build(&spec)?, mode: paths.mode })
    }

    /// Returns the folders that are mapped to others, longest first: what a person wants to see.
    pub fn folders(&self) -> impl Iterator<Item = (&str, &str)> {
        let folder = |kind| matches!(kind, PairKind::User | PairKind::Root);
        let pairs = self.map.pairs().iter().filter(move |pair| folder(pair.kind) && !pair.stays());
        pairs.map(|pair| (pair.old.as_str(), pair.new.as_str()))
    }

    /// Prepares to rewrite the session's files.
    ///
    /// # Errors
    /// As [`Relocation::plan`].
    pub(in crate::restore) fn rewriter(&self) -> Result<Rewriter> {
        Ok(Rewriter {
            remapper: Remapper::new(&self.map, self.mode).map_err(|error| refused(&error))?,
            outside: Outside::new(&self.map).map_err(|error| refused(&error))?,
            report: RemapReport::default(),
            moved: self.folders().next().is_some(),
        })
    }
}

/// Rewrites one file after the other, and keeps count.
pub(in crate::restore) struct Rewriter {
    remapper: Remapper,
    outside: Outside,
    report: RemapReport,
    moved: bool,
}

impl Rewriter {
    /// Rewrites JSON, one record or a whole document, on its way to `out`.
    pub(in crate::restore) fn record(&mut self, record: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.outside.collect(record);
        let (remapper, report) = (&self.remapper, &mut self.report);
        pour(out, |out| remapper.remap_line_to(record, out, report))
    }

    /// Rewrites a text, or a whole line of one, on its way to `out`.
    pub(in crate::restore) fn text(&mut self, text: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let (remapper, report) = (&self.remapper, &mut self.report);
        pour(out, |out| remapper.remap_text_to(text, out, report))
    }

    /// Returns what was done.
    pub(in crate::restore) fn finish(self) -> Relocated {
        Relocated { outside: self.outside.paths().to_vec(), report: self.report, moved: self.moved }
    }
}

/// Writes what a remapper hands out; the first error is the one that counts.
fn pour(out: &mut dyn Write, remap: impl FnOnce(Out<'_>) -> bool) -> io::Result<()> {
    let mut done = Ok(());
    remap(&mut |bytes| {
        if done.is_ok() {
            done = out.write_all(bytes);
        }
    });
    done
}

fn build(spec: &MapSpec) -> Result<PathMap> {
    PathMap::build(spec).map_err(|error| refused(&error))
}

fn refused(error: &crate::remap::MapError) -> Error {
    Error::new(Kind::Refused, "The session's paths can't be mapped to this place")
        .because(error)
        .hint("`--paths keep` leaves them as they are; `--map OLD=NEW` names a pair yourself")
}
