//! What stays on this machine: the key of the placeholders, the secrets that were allowed, and secrets that
//! exist only in a saved file.
//!
//! All of it is in the user's state folder, outside every project and store, readable by the owner only, and
//! never transferred. A kept value is masked under the key, so no search of the disk finds it. Whoever can
//! read the key can read the values, just as they can read the files.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::digest::{Key, from_hex, to_hex};
use crate::base::error::{Error, Kind, Result};
use crate::base::timestamp::Timestamp;
use crate::secrets;
use crate::sys::files::{self, Existing};
use crate::sys::place::{OwnPath, Root};

/// The key's file in the state folder.
const FILE: &str = "secrets.key";

/// What is not needed stays for so long.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// The largest value that is kept, in bytes.
const LARGEST: u64 = 1 << 20;

/// The folder of one user's state, opened for one store.
pub struct Vault {
    folder: OwnPath,
    /// Where the values of this store's snapshots are.
    kept: OwnPath,
    key: Key,
}

impl Vault {
    /// Opens the state folder for a store; makes it and its key if need be.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn open(folder: &Path, store: &Path) -> Result<Vault> {
        if let Some(vault) = Vault::existing(folder, store)? {
            return Ok(vault);
        }
        let (folder_path, folder) = (folder, Root::own(folder).at(""));
        let place = folder.join(FILE);
        folder.make_folder()?;
        let text = to_hex(&files::random_bytes()?) + "\n";
        // Another process may have been faster: its key counts then.
        files::publish(&folder, &place, text.as_bytes(), Existing::Keep)?;
        folder.sync()?;
        Vault::existing(folder_path, store)?.ok_or_else(|| no_key(&place))
    }

    /// Opens the state folder for a store if it has a key; writes nothing.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn existing(folder: &Path, store: &Path) -> Result<Option<Vault>> {
        let folder = Root::own(folder).at("");
        let Some(key) = read_key(&folder.join(FILE))? else { return Ok(None) };
        // A store that was moved away is another one than what is made in its old place.
        let number = std::fs::metadata(store).map_or(0, |meta| meta.ino());
        let store = [store.as_os_str().as_encoded_bytes(), b"\0", &number.to_le_bytes()].concat();
        let store = key.mark("store of kept secrets", &store).to_string();
        Ok(Some(Vault { kept: folder.join("kept").join(&store[..16]), folder, key }))
    }

    /// Returns the key of IDs and of files.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Keeps a secret under its ID.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn keep(&self, id: &str, value: &[u8]) -> Result<()> {
        // Needed again: it must not be tidied away for its age.
        if self.renew(id)? {
            return Ok(());
        }
        let place = self.kept.join(id);
        self.kept.make_folder()?;
        files::publish(&self.kept, &place, &self.masked(id, value), Existing::Keep)?;
        self.kept.sync()
    }

    /// Has what is kept under an ID stay as long as if it was kept now; returns whether there is anything.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn renew(&self, id: &str) -> Result<bool> {
        let place = self.kept.join(id);
        Ok(place.stat()?.is_some() && place.refresh()?)
    }

    /// Returns the ids of what is kept for this store.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn ids(&self) -> Result<Vec<String>> {
        let names = self.kept.names()?.into_iter();
        Ok(names.filter_map(|name| name.into_string().ok()).filter(|name| secrets::is_id(name)).collect())
    }

    /// Returns the ids of what is kept for other stores.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn ids_of_others(&self) -> Result<BTreeSet<String>> {
        let mut ids = BTreeSet::new();
        for folder in self.others()? {
            let names = folder.names()?.into_iter().filter_map(|name| name.into_string().ok());
            ids.extend(names.filter(|name| secrets::is_id(name)));
        }
        Ok(ids)
    }

    fn others(&self) -> Result<impl Iterator<Item = OwnPath>> {
        let all = self.folder.join("kept");
        let own = self.kept.path();
        let others = all.names()?.into_iter().map(move |other| all.join(other));
        Ok(others.filter(move |other| other.path() != own && other.is_folder()))
    }

    /// Returns a secret that was kept, for this store or for another (a store can be moved, and copied).
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn kept(&self, id: &str) -> Result<Option<Vec<u8>>> {
        if !secrets::is_id(id) {
            return Ok(None);
        }
        for folder in std::iter::once(self.kept.clone()).chain(self.others()?) {
            if let Some(masked) = folder.join(id).read(LARGEST)? {
                let value = self.masked(id, &masked);
                if secrets::id(&self.key, &value) == id {
                    return Ok(Some(value));
                }
            }
        }
        Ok(None)
    }

    /// Removes the values that were kept for snapshots of this store that are gone, if they are older
    /// than a day. A running save may be about to need them.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn tidy(&self, needed: &BTreeSet<String>, now: Timestamp) -> Result<()> {
        for name in self.kept.names()? {
            let place = self.kept.join(&name);
            let age = place.stat()?.map(|found| now.since(Timestamp::from(found.modified)));
            let unneeded = name.to_str().is_some_and(|id| secrets::is_id(id) && !needed.contains(id));
            if unneeded && age.is_some_and(|age| age > GRACE) {
                place.remove()?;
            }
        }
        Ok(())
    }

    /// Returns the IDs of the secrets that may be saved as they are.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn allowed(&self) -> Result<BTreeSet<String>> {
        let list = self.folder.join("allowed").read(LARGEST)?.unwrap_or_default();
        let list = String::from_utf8_lossy(&list).into_owned();
        Ok(list.lines().filter(|id| secrets::is_id(id)).map(str::to_owned).collect())
    }

    /// Allows more of them from now on; returns the list of all.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn allow(&self, ids: &[String]) -> Result<PathBuf> {
        let mut all = self.allowed()?;
        all.extend(ids.iter().cloned());
        let list: String = all.iter().map(|id| format!("{id}\n")).collect();
        let place = self.folder.join("allowed");
        files::publish(&self.folder, &place, list.as_bytes(), Existing::Replace)?;
        Ok(place.path())
    }

    /// Masks a value, or takes its mask away.
    fn masked(&self, id: &str, value: &[u8]) -> Vec<u8> {
        let blocks = value.chunks(32).enumerate();
        let mask = |(number, block): (usize, &[u8])| {
            let mask = self.key.mark("mask of kept secrets", format!("{id} {number}").as_bytes());
            block.iter().zip(mask.as_bytes()).map(|(byte, mask)| byte ^ mask).collect::<Vec<u8>>()
        };
        blocks.flat_map(mask).collect()
    }
}

fn read_key(place: &OwnPath) -> Result<Option<Key>> {
    let Some(text) = place.read_private(128)? else { return Ok(None) };
    let bytes = std::str::from_utf8(&text).ok().and_then(|text| from_hex(text.trim_end()));
    let key = bytes.and_then(|bytes| bytes.try_into().ok()).map(Key::from_bytes);
    key.map(Some).ok_or_else(|| no_key(place))
}

fn no_key(place: &OwnPath) -> Error {
    Error::new(Kind::Damaged, format!("{} holds no key", place.path().display()))
        .hint("move it away; the next save makes a new one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_value_comes_back_and_stands_nowhere_in_the_clear() {
        let folder = tempfile::tempdir().expect("a folder");
        let keeper = Vault::open(folder.path(), Path::new("/some/store")).expect("opened");
        let value = b"a value that is longer than one block of thirty-two bytes";
        let id = secrets::id(keeper.key(), value);
        keeper.keep(&id, value).expect("kept");
        let again = Vault::open(folder.path(), Path::new("/moved/store")).expect("opened again");
        assert_eq!(again.kept(&id).expect("read").as_deref(), Some(&value[..]));
        let raw = std::fs::read(keeper.kept.join(&id).path()).expect("the file");
        assert!(!raw.windows(8).any(|window| value.windows(8).any(|part| part == window)));
        let later = |hours: i64| Timestamp::from_millis(Timestamp::now().as_millis() + hours * 3_600_000);
        keeper.tidy(&BTreeSet::new(), later(1)).expect("too new to be tidied");
        assert!(keeper.kept(&id).expect("read").is_some());
        keeper.tidy(&BTreeSet::new(), later(25)).expect("tidied");
        assert_eq!(keeper.kept(&id).expect("read"), None);
        assert_eq!(again.kept("../secrets.key").expect("no id"), None);
    }

    #[test]
    fn what_is_kept_for_a_store_that_was_moved_is_not_tidied_by_the_next_one_in_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, moved) = (folder.path().join("store"), folder.path().join("moved"));
        std::fs::create_dir(&store).expect("a store");
        let keeper = Vault::open(folder.path(), &store).expect("opened");
        let id = secrets::id(keeper.key(), b"a value");
        keeper.keep(&id, b"a value").expect("kept");
        std::fs::rename(&store, &moved).expect("moved away");
        std::fs::create_dir(&store).expect("another store");
        let later = Timestamp::from_millis(Timestamp::now().as_millis() + 25 * 3_600_000);
        let next = Vault::open(folder.path(), &store).expect("opened");
        next.tidy(&BTreeSet::new(), later).expect("tidied");
        let there = Vault::open(folder.path(), &moved).expect("opened");
        assert_eq!(there.kept(&id).expect("read").as_deref(), Some(&b"a value"[..]));
    }
}
