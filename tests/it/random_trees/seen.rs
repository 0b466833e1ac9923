//! A tree as it is seen: by git, in the index, and on the disk.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::files::MODULE;
use crate::support::Must;
use crate::support::project::{Project, files_below};

/// What a person sees of a tree, but for what is within the submodule, which is nobody's business but its own, and the
/// store, which is ours.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    status: Vec<String>,
    /// As git sees it: in a sparse checkout it takes a mark for none where the file is there.
    index: Vec<(String, u32)>,
    /// With the marks that the index holds.
    marked: Vec<(String, u32)>,
    disk: BTreeMap<String, (u32, String)>,
}

impl PartialEq for Seen {
    fn eq(&self, other: &Seen) -> bool {
        self.status == other.status && self.content() == other.content()
    }
}

/// What the index and the disk hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content<'a>(&'a Seen);

impl PartialEq for Content<'_> {
    /// The marks are the same for git, or in the index itself: which of them git heeds depends on the sparse checkout.
    fn eq(&self, other: &Content<'_>) -> bool {
        let (one, two) = (self.0, other.0);
        let same = |at: usize| one.index[at] == two.index[at] || one.marked[at] == two.marked[at];
        one.disk == two.disk && one.index.len() == two.index.len() && (0..one.index.len()).all(same)
    }
}

impl Seen {
    pub(super) fn of(project: &Project) -> Seen {
        let status = project.git(&[
            "--no-optional-locks",
            "-c",
            "core.ignorecase=false",
            // Git 2.47 fails an assertion of its own at some sparse indexes.
            "-c",
            "index.sparse=false",
            "status",
            "--porcelain=v2",
            "-uall",
            "--ignored",
        ]);
        let status = status.lines().filter(|line| !line.contains(".claude/")).map(str::to_owned);
        Seen {
            status: status.collect(),
            index: index(project, &[]),
            marked: index(project, &RAW),
            disk: disk(project),
        }
    }

    /// What the index and the disk hold, whatever HEAD is.
    pub(super) fn content(&self) -> Content<'_> {
        Content(self)
    }

    /// What is staged, without marks.
    pub(super) fn staged(&self) -> Vec<&str> {
        // What comes before the first blank is about marks.
        self.index.iter().map(|(entry, _)| entry.split_once(' ').map_or("", |(_, staged)| staged)).collect()
    }
}

/// Has git heed every mark, whether the file is there or not.
const RAW: [&str; 2] = ["-c", "sparse.expectFilesOutsideOfPatterns=true"];

/// All entries of the index, with the marks that hide edits from git.
fn index(project: &Project, options: &[&str]) -> Vec<(String, u32)> {
    let list = project.git(&[options, &["ls-files", "--stage", "-v", "--debug"]].concat());
    let mut entries: Vec<(String, u32)> = Vec::new();
    for line in list.lines() {
        match (line.starts_with("  "), line.split_once("flags: "), entries.last_mut()) {
            (false, ..) => entries.push((line.to_owned(), 0)),
            // Only meant to be added, left out, assumed to be unchanged.
            (true, Some((_, flags)), Some((_, of_the_entry))) => {
                *of_the_entry = u32::from_str_radix(flags, 16).must("flags") & 0x6000_8000;
            }
            (true, ..) => {}
        }
    }
    entries
}

fn disk(project: &Project) -> BTreeMap<String, (u32, String)> {
    let mut disk = BTreeMap::new();
    for file in files_below(project.root()) {
        let name = file.strip_prefix(project.root()).must("a file of the project").to_owned();
        let in_a_folder = name != Path::new(MODULE);
        if in_a_folder && [".git", ".claude", MODULE].iter().any(|other| name.starts_with(other)) {
            continue;
        }
        let meta = file.symlink_metadata().must("a file's metadata");
        let content = if meta.is_symlink() {
            fs::read_link(&file).must("a link").into_os_string().into_encoded_bytes()
        } else {
            fs::read(&file).must("a file")
        };
        let content = content.escape_ascii().to_string();
        disk.insert(name.display().to_string(), (meta.permissions().mode() & 0o170_100, content));
    }
    disk
}
