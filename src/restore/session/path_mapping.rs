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
use crate::remap::{
    FileCalls, MapSpec, Outside, PairKind, PathMap, PieceSink, RemapMode, RemapReport, Remapper, is_absolute,
    way_below,
};
use crate::restore::session::own_root::GoesOn;
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
        goes_on: &GoesOn,
        paths: &Paths,
    ) -> Result<Relocation> {
        let GoesOn { cwd, own_root } = goes_on;
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
        // A work tree can be known by a relative path, which means nothing elsewhere.
        let old_text = |path: &Path| text(path).filter(|path| is_absolute(path));
        let pair = |old: &Path, new: &Path| Some((old_text(old)?, text(new)?));
        let main = old.main.as_ref().map(|main| main.as_path());
        let folders: Vec<(String, String)> = [
            pair(old.root.as_path(), &workspace.root),
            main.and_then(|main| pair(main, &main_here)),
            own_root.as_ref().and_then(|own| pair(Path::new(own), &workspace.root)),
        ]
        .into_iter()
        .flatten()
        .chain(session.other_roots.iter().filter_map(|other| pair(other.as_path(), &workspace.root)))
        .collect();
        let is_ours = |path: &str| folders.iter().any(|(old, _)| way_below(path, old).is_some());
        let started = pair(session.cwd.as_path(), cwd);
        let with_folder = started.clone().filter(|(old, _)| is_ours(old));
        let slugs: Vec<(String, String)> =
            with_folder.iter().chain(&folders).map(|(old, new)| (slug(old), slug(new))).collect();
        let (old_config, new_config) = (old_text(old.config_dir.as_path()), text(config));
        let project = |(old, new): (String, String)| {
            Some((
                format!("{}/projects/{old}", old_config.as_ref()?),
                format!("{}/projects/{new}", new_config.as_ref()?),
            ))
        };
        let of_session = |end: &str| {
            let (old, new) = started.as_ref()?;
            project((format!("{}/{}{end}", slug(old), session.id), format!("{}/{id}{end}", slug(new))))
        };
        let spec = MapSpec {
            rewritten: [
                old_config.as_ref().map(|config| format!("{config}/plans")),
                of_session("").map(|(old, _)| old),
            ]
            .into_iter()
            .flatten()
            .collect(),
            projects: slugs
                .iter()
                .cloned()
                .filter_map(project)
                .chain(of_session(""))
                .chain(of_session(".jsonl"))
                .collect(),
            roots: folders.iter().cloned().chain(pair(old.config_dir.as_path(), config)).collect(),
            guards: old
                .others
                .iter()
                .filter(|other| Some(other.as_path()) != main)
                .filter_map(|other| text(other.as_path()))
                .collect(),
            slugs,
            session: renamed,
            user: paths.user.clone(),
            // A home of `/` (a container without users) is every path's beginning.
            home: pair(old.home.as_path(), home).filter(|(old, new)| old != "/" && new != "/"),
            ignore_case: folders.iter().any(|(old, _)| is_on_system_without_case(old)),
        };
        Ok(Relocation { map: build(&spec)?, mode: paths.mode })
    }

    /// Rewrites texts that are no part of the session's files: prompts that wait to be sent.
    ///
    /// # Errors
    /// As [`Relocation::plan`].
    pub(in crate::restore) fn texts(&self, texts: &[String]) -> Result<Vec<String>> {
        let remapper = Remapper::new(&self.map, self.mode).map_err(|error| refused(&error))?;
        let rewritten = |text: &String| {
            let mut out = Vec::new();
            remapper.remap_text(text.as_bytes(), &mut out, &mut RemapReport::default());
            // Only whole paths are replaced, by texts.
            String::from_utf8(out).unwrap_or_else(|_| text.clone())
        };
        Ok(texts.iter().map(rewritten).collect())
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
            calls: FileCalls::default(),
            report: RemapReport::default(),
            moved: self.folders().next().is_some(),
            rewrites: self.mode == RemapMode::Rewrite && !self.map.is_noop(),
        })
    }
}

/// Says whether a path is of a system whose disks don't tell upper from lower case, as macOS and Windows are set up.
fn is_on_system_without_case(path: &str) -> bool {
    !path.starts_with('/') || path.starts_with("/Users/")
}

/// Rewrites one file after the other, and keeps count.
pub(in crate::restore) struct Rewriter {
    remapper: Remapper,
    outside: Outside,
    calls: FileCalls,
    report: RemapReport,
    moved: bool,
    /// Whether more is changed than what the client needs to find the session.
    rewrites: bool,
}

impl Rewriter {
    /// Rewrites JSON, one record or a whole document, on its way to `out`.
    pub(in crate::restore) fn record(&mut self, record: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.outside.collect(record);
        if self.rewrites {
            self.calls.observe(record);
        }
        let (remapper, calls, report) = (&self.remapper, &self.calls, &mut self.report);
        pour(out, |out| remapper.remap_line_to(record, calls, out, report))
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
fn pour(out: &mut dyn Write, remap: impl FnOnce(PieceSink<'_>) -> bool) -> io::Result<()> {
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
