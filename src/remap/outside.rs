//! The paths that a transcript remembers and a path map says nothing about.
//!
//! Reads only the fields in which the client and its tools put one whole path, so that what it
//! reports was surely used as a path; prose isn't looked at. Invariant: memory is bounded, whatever
//! the transcript: the first paths are counted one by one, the rest as a sum.

use aho_corasick::AhoCorasick;
use memchr::memchr;

use crate::remap::map::{MapError, PathMap};
use crate::remap::root::Root;

/// Fields that hold one path, as they stand in a record.
const FIELDS: [&str; 5] =
    ["\"cwd\":\"", "\"file_path\":\"", "\"filePath\":\"", "\"notebook_path\":\"", "\"workingDirectory\":\""];

/// How many different paths are told apart.
const MOST: usize = 20;

/// Collects absolute paths outside a map. Feed it records as they were before the remap.
#[derive(Debug)]
pub struct Outside {
    fields: AhoCorasick,
    known: Vec<Root>,
    found: Vec<(String, u64)>,
    more: u64,
}

impl Outside {
    /// A collector of paths that lie below no path of the map, old or new.
    ///
    /// # Errors
    /// [`MapError::TooLarge`] if the search can't be built.
    pub fn new(map: &PathMap) -> Result<Self, MapError> {
        let known = map.pairs().iter().flat_map(|pair| [&pair.old, &pair.new]);
        Ok(Self {
            fields: AhoCorasick::new(FIELDS).map_err(|_| MapError::TooLarge)?,
            known: known.filter_map(|path| Root::parse(path)).collect(),
            found: Vec::new(),
            more: 0,
        })
    }

    /// Looks through any number of records.
    pub fn collect(&mut self, records: &[u8]) {
        // Shares the search, so that what it finds can be counted meanwhile.
        let fields = self.fields.clone();
        for field in fields.find_iter(records) {
            let rest = records.get(field.end()..).unwrap_or_default();
            let Some(value) = memchr(b'"', rest).and_then(|end| rest.get(..end)) else { return };
            // A quote in a path would end it early here; such a path is left out.
            if let Ok(text) = std::str::from_utf8(value)
                && !text.ends_with('\\')
            {
                self.count(&text.replace("\\\\", "\\"));
            }
        }
    }

    fn count(&mut self, path: &str) {
        let Some(root) = Root::parse(path) else { return };
        if self.known.iter().any(|known| root.below(known).is_some()) {
            return;
        }
        if let Some((_, count)) = self.found.iter_mut().find(|(known, _)| known == path) {
            *count += 1;
        } else if self.found.len() < MOST {
            self.found.push((path.to_owned(), 1));
        } else {
            self.more += 1;
        }
    }

    /// The paths, in the order in which they came up, and how often each did.
    pub fn paths(&self) -> &[(String, u64)] {
        &self.found
    }

    /// How often others came up, after too many to tell apart.
    pub fn more(&self) -> u64 {
        self.more
    }
}
