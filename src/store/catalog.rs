//! What is known of every snapshot of a store: from the index, as far as the manifests are those that it was made from, and from
//! the manifests themselves otherwise.
//!
//! The index is never the truth. Of each snapshot it has what its manifest said, and which file that was: device, inode,
//! size, and the time of its last change. A file that is another one now is read again, and only that. For the names of
//! all files, the same is asked of the two folders that they are in. A file or folder that was changed in the same tick of
//! the disk's clock in which it was read could be changed again without a trace, so it is not noted: only what is older
//! than a file that was made before anything was read. Readers wait for no lock, and the last writer wins.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::display_names::called_by_stem;
use super::entry::UnreadEntry;
use super::index_file::{self, IndexFile, Indexed};
use super::manifest_cache::{self, Identity, identity_of};
use super::{Entry, LEAST_EACH, Store, manifest_name, unless_gone};
use crate::base::error::Result;
use crate::base::timestamp::Timestamp;
use crate::manifest::Head;
use crate::store::intake::CLOCKS_APART;
use crate::sys::files::Draft;
use crate::sys::parallel::{self, held};
use crate::sys::place::Stat;

/// How many files a thread looks at in one go.
const LEAST_LOOKS: usize = 256;

/// All snapshots of a store.
pub(super) struct Catalog {
    /// In the order of [`Store::known`].
    pub(super) known: Arc<Vec<UnreadEntry>>,
    /// Whether every manifest and pin has both its names.
    pub(super) is_sheltered: bool,
    /// The folders as they were before their names were listed; `None` if another change of them might not show.
    folders: Option<Folders>,
}

/// The folders that the names of manifests are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Folders {
    first: Option<Identity>,
    second: Option<Identity>,
}

/// What the index says of all snapshots.
#[derive(Serialize, Deserialize)]
struct About {
    folders: Option<Folders>,
    is_sheltered: bool,
    /// Whether all can be read, have names of their own, and are from the past.
    is_plain: bool,
    /// Those that the index has nothing of.
    others: Vec<Name>,
}

/// Where the names of all files are taken from, and what they hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The index, if the folders are as they were when it was made.
    Index,
    /// The folders themselves; what the files hold, from the index.
    Disk,
    /// No index is used.
    Manifests,
}

/// The name of a manifest's file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Name {
    stem: String,
    pinned: bool,
}

/// What the index says of one snapshot.
#[derive(Deserialize)]
struct Line {
    stem: String,
    identity: Identity,
    /// In milliseconds since 1970.
    written: i64,
    pinned: bool,
    own: bool,
    head: Head,
}

/// Of that, which file it is about.
#[derive(Deserialize)]
struct IndexedFile {
    stem: String,
    identity: Identity,
}

/// The same, to be written.
#[derive(Serialize)]
struct LineOf<'a> {
    stem: &'a str,
    identity: Identity,
    written: i64,
    pinned: bool,
    own: bool,
    head: &'a Head,
}

/// A draft of a file that only saves time, and the moment at which it was begun.
pub(super) struct Begun {
    pub(super) draft: Draft,
    at: (i64, i64),
}

impl Begun {
    /// Says whether a file or folder was changed before that: then every later change shows.
    pub(super) fn is_after(&self, identity: &Identity) -> bool {
        (identity.3, identity.4) < self.at
    }
}

/// The names of manifests and pins in a store.
pub(super) struct Names {
    /// Under their first names.
    first: BTreeSet<String>,
    /// Under their second names.
    second: BTreeSet<String>,
}

impl Names {
    /// Returns those of which only the second name is left.
    pub(super) fn nameless(&self) -> impl Iterator<Item = &String> {
        self.second.difference(&self.first)
    }

    /// Returns those that have no second name.
    pub(super) fn unsheltered(&self) -> impl Iterator<Item = &String> {
        self.first.difference(&self.second)
    }

    /// Returns the names of manifests without `.json`, in their order.
    pub(super) fn stems(&self) -> impl Iterator<Item = &str> {
        self.first.union(&self.second).filter_map(|name| name.strip_suffix(".json"))
    }

    fn is_pinned(&self, stem: &str) -> bool {
        let pin = super::pin_name(stem);
        self.first.contains(&pin) || self.second.contains(&pin)
    }
}

impl Store {
    /// Lists every snapshot in the order of [`Store::entries`], with what tells it from others.
    ///
    /// # Errors
    /// As [`Store::entries`].
    pub fn known(&self) -> Result<Arc<Vec<UnreadEntry>>> {
        Ok(Arc::clone(&self.catalog()?.known))
    }

    /// The same, but that the names of all files are listed, whatever the index and this process know of them.
    ///
    /// # Errors
    /// As [`Store::entries`].
    pub(super) fn known_anew(&self) -> Result<Arc<Vec<UnreadEntry>>> {
        let catalog = Arc::new(self.look(self.folders()?, Source::Disk)?);
        *held(&self.catalog) = Some(Arc::clone(&catalog));
        Ok(Arc::clone(&catalog.known))
    }

    /// The same from the manifests alone: where the index was found to be wrong.
    ///
    /// # Errors
    /// As [`Store::entries`].
    pub(super) fn known_without_index(&self) -> Result<Arc<Vec<UnreadEntry>>> {
        let catalog = Arc::new(self.look(self.folders()?, Source::Manifests)?);
        *held(&self.catalog) = Some(Arc::clone(&catalog));
        Ok(Arc::clone(&catalog.known))
    }

    /// Returns what is known of all snapshots; looks again only if names may have changed since this process did.
    pub(super) fn catalog(&self) -> Result<Arc<Catalog>> {
        let folders = self.folders()?;
        if let Some(catalog) = held(&self.catalog).as_ref().filter(|known| known.folders == Some(folders)) {
            return Ok(Arc::clone(catalog));
        }
        let catalog = Arc::new(self.look(folders, Source::Index)?);
        *held(&self.catalog) = Some(Arc::clone(&catalog));
        Ok(catalog)
    }

    /// Lists the names of all manifests and pins.
    pub(super) fn manifest_names(&self) -> Result<Names> {
        let names = |all: Vec<std::ffi::OsString>| -> BTreeSet<String> {
            let names = all.into_iter().filter_map(|name| name.into_string().ok());
            names.filter(|name| name.ends_with(".json") || name.ends_with(".pin")).collect()
        };
        let (mut first, mut second) = (names(self.at("").names()?), names(self.sheltered().names()?));
        let doubtful: Vec<String> = second.difference(&first).cloned().collect();
        for name in doubtful {
            // One that is added or removed at this moment has not lost its name.
            if self.at(&name).exists() {
                first.insert(name);
            } else if !self.second_name(&name).exists() {
                second.remove(&name);
            }
        }
        Ok(Names { first, second })
    }

    /// Finds the newest snapshot but so many by the index alone; `None` if that is not sure: every manifest must be the file that
    /// the index means. The one that is found is read.
    pub(super) fn latest_at_once(&self, back: usize) -> Option<Entry> {
        let index: IndexFile<About> = IndexFile::open(self, Indexed::Heads)?;
        if !index.about.is_plain || index.about.folders != Some(self.folders().ok()?) {
            return None;
        }
        let files: Vec<IndexedFile> = index.read()?;
        let stems: Vec<&str> = files.iter().map(|file| file.stem.as_str()).collect();
        let now = self.identities(&stems).ok()?;
        if files.iter().zip(now).any(|(file, now)| now != Some(file.identity)) {
            return None;
        }
        let newest: Line = index.nth(0, |_| true)?;
        // If the clock was set back, the order is another one.
        if !self.is_believable(newest.head.created_at) {
            return None;
        }
        let found: Line = index.nth(back, |line: &Line| !line.head.safety)?;
        let place = self.manifest_place(&found.stem);
        let is_same = || manifest_cache::identity(&place) == Some(found.identity);
        if !is_same() {
            return None;
        }
        let entry = self.entry(&found.stem)?;
        let manifest = entry.manifest.as_ref().ok()?;
        (is_same() && manifest.id == found.head.id && entry.called == found.head.name).then_some(entry)
    }

    /// Says whether a moment is not in the far future: that is from a wrong clock, or from somebody who wants to be first for
    /// ever.
    pub(super) fn is_believable(&self, moment: Timestamp) -> bool {
        self.now.is_none_or(|now| moment.since(now) <= CLOCKS_APART)
    }

    fn folders(&self) -> Result<Folders> {
        let identity = |found: Option<Stat>| found.map(|found| found.identity);
        Ok(Folders { first: identity(self.at("").stat()?), second: identity(self.sheltered().stat()?) })
    }

    /// Begins to write a file that only saves time; `None` where that is not possible, or nobody could believe it.
    pub(super) fn begin_index(&self) -> Option<Begun> {
        if !self.has_key() || !self.tmp().is_folder() {
            return None;
        }
        let draft = Draft::begin_with(&self.tmp(), index_file::DRAFT).ok()?;
        Some(Begun { at: draft.changed()?, draft })
    }

    fn look(&self, folders: Folders, source: Source) -> Result<Catalog> {
        let index: Option<IndexFile<About>> =
            if source == Source::Manifests { None } else { IndexFile::open(self, Indexed::Heads) };
        let lines: Option<Vec<Line>> = index.as_ref().and_then(IndexFile::read);
        let about = index.map(|index| index.about).filter(|_| lines.is_some());
        let lines = lines.unwrap_or_default();
        let mut begun = None;
        let names_are_known =
            source == Source::Index && about.as_ref().is_some_and(|about| about.folders == Some(folders));
        let (indexed, mut unread, is_sheltered) = match about {
            Some(about) if names_are_known => (lines, about.others, about.is_sheltered),
            _ => {
                begun = self.begin_index();
                let names = self.manifest_names()?;
                let (indexed, unread) = named(lines, &names);
                (indexed, unread, names.first == names.second)
            }
        };
        let mut is_new = begun.is_some();
        let looks = self.identities(&indexed.iter().map(|line| line.stem.as_str()).collect::<Vec<_>>())?;
        let mut known = Vec::with_capacity(indexed.len() + unread.len());
        for (line, identity) in indexed.into_iter().zip(looks) {
            if identity == Some(line.identity) {
                known.push(line.into_entry());
            } else {
                is_new = true;
                unread.push(Name { stem: line.stem, pinned: line.pinned });
            }
        }
        if begun.is_none() && !unread.is_empty() {
            begun = self.begin_index();
        }
        let read = parallel::map(&unread, LEAST_EACH, |name| self.read_known(name));
        let old = known.len();
        known.extend(read.into_iter().flatten());
        let is_noted = |one: &UnreadEntry| {
            let is_old = |identity| begun.as_ref().is_some_and(|begun| begun.is_after(identity));
            one.head.is_ok() && one.identity.as_ref().is_some_and(is_old)
        };
        is_new |= known[old..].iter().any(is_noted);
        known.sort_by(|a, b| match (&a.head, &b.head) {
            (Ok(head), Ok(other)) => self
                .newer(head.created_at, other.created_at)
                .then_with(|| head.id.cmp(&other.id))
                .then_with(|| b.own.cmp(&a.own))
                .then_with(|| a.stem.cmp(&b.stem)),
            (head, other) => head.is_err().cmp(&other.is_err()).then_with(|| a.stem.cmp(&b.stem)),
        });
        let is_before = |begun: &Begun| {
            [folders.first, folders.second].iter().flatten().all(|folder| begun.is_after(folder))
        };
        let is_settled = names_are_known || begun.as_ref().is_some_and(is_before);
        let folders = is_settled.then_some(folders);
        // Of nothing there is nothing to save.
        if let Some(begun) = begun.filter(|_| is_new && !known.is_empty()) {
            let _made_again = self.write_catalog(begun, &known, folders, is_sheltered);
        }
        Ok(Catalog { known: Arc::new(known), is_sheltered, folders })
    }

    /// Says whether all of these manifests are still the files that were read. Asked when the draft of a file that saves time
    /// is there already: whoever removes a snapshot for good removes such drafts behind it. So what was said in one that is
    /// removed meanwhile does not come back.
    pub(super) fn are_still<'a>(&self, files: impl Iterator<Item = (&'a str, Identity)>) -> bool {
        let (stems, identities): (Vec<&str>, Vec<Identity>) = files.unzip();
        let now = self.identities(&stems).unwrap_or_default();
        now.len() == stems.len() && now.iter().zip(identities).all(|(now, then)| *now == Some(then))
    }

    /// Returns which file the manifest of each of these is now.
    fn identities(&self, stems: &[&str]) -> Result<Vec<Option<Identity>>> {
        let names: Vec<String> = stems.iter().map(|stem| manifest_name(stem)).collect();
        let parts: Vec<&[String]> = names.chunks(LEAST_LOOKS).collect();
        let look = |part: &&[String]| -> Result<Vec<Option<Identity>>> {
            let found = self.at("").stat_each(part)?;
            let standing = |(name, found): (&String, Option<Stat>)| match found {
                None => identity_of(self.standing_file(name).1),
                there => identity_of(there),
            };
            Ok(part.iter().zip(found).map(standing).collect())
        };
        Ok(parallel::map(&parts, 1, look).into_iter().collect::<Result<Vec<_>>>()?.concat())
    }

    fn write_catalog(
        &self,
        begun: Begun,
        known: &[UnreadEntry],
        folders: Option<Folders>,
        is_sheltered: bool,
    ) -> Result<()> {
        let (mut lines, mut others, mut is_plain) = (Vec::with_capacity(known.len()), Vec::new(), true);
        for one in known {
            match (&one.head, one.identity.filter(|identity| begun.is_after(identity))) {
                (Ok(head), Some(identity)) => {
                    is_plain &= self.is_believable(head.created_at);
                    lines.push(LineOf {
                        stem: &one.stem,
                        identity,
                        written: one.written.as_millis(),
                        pinned: one.pinned,
                        own: one.own,
                        head,
                    });
                }
                _ => others.push(Name { stem: one.stem.clone(), pinned: one.pinned }),
            }
        }
        is_plain &= others.is_empty();
        if is_plain {
            let called = called_by_stem(known);
            is_plain = lines.iter().all(|line| called.get(line.stem) == Some(&line.head.name));
        }
        if !self.are_still(lines.iter().map(|line| (line.stem, line.identity))) {
            return Ok(());
        }
        let about = About { folders, is_sheltered, is_plain, others };
        index_file::write(self, Indexed::Heads, begun.draft, about, &lines)
    }

    /// Reads what a manifest says; `None` if it has been removed since it was listed.
    fn read_known(&self, name: &Name) -> Option<UnreadEntry> {
        let mut found = None;
        let head = unless_gone(|| {
            let (stat, head) = self.read_head(&name.stem);
            found = stat.or(found);
            head
        })?;
        Some(UnreadEntry {
            written: found.map_or(Timestamp::from_millis(0), |found| Timestamp::from(found.modified)),
            identity: identity_of(found),
            stem: name.stem.clone(),
            pinned: name.pinned,
            own: head.as_ref().is_ok_and(|head| self.is_own(&head.proofs)),
            head,
        })
    }
}

impl Line {
    fn into_entry(self) -> UnreadEntry {
        UnreadEntry {
            stem: self.stem,
            identity: Some(self.identity),
            written: Timestamp::from_millis(self.written),
            pinned: self.pinned,
            own: self.own,
            head: Ok(self.head),
        }
    }
}

/// Splits the files of these names into those that the index knows, and the others.
fn named(lines: Vec<Line>, names: &Names) -> (Vec<Line>, Vec<Name>) {
    let mut by_stem: HashMap<String, Line> =
        lines.into_iter().map(|line| (line.stem.clone(), line)).collect();
    let (mut indexed, mut unread) = (Vec::new(), Vec::new());
    for stem in names.stems() {
        let pinned = names.is_pinned(stem);
        match by_stem.remove(stem) {
            Some(line) => indexed.push(Line { pinned, ..line }),
            None => unread.push(Name { stem: stem.to_owned(), pinned }),
        }
    }
    (indexed, unread)
}
