//! The marks of tracked files that hide edits from git, as a list that stays short.
//!
//! Pure. A sparse checkout marks every file that it leaves out, which can be most of a repository. If all
//! tracked files of a folder have the same mark, the list has the folder. `docs/format.md` describes its
//! form.

use std::collections::BTreeMap;

use super::HiddenBy;

/// The mark of one tracked file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What hides its edits.
    pub by: HiddenBy,
    /// Whether the file is left out of the work tree.
    pub left_out: bool,
}

/// All marks of a work tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Marks {
    files: BTreeMap<Vec<u8>, Mark>,
    /// Each name ends in a `/`; the whole tree is that alone.
    folders: BTreeMap<Vec<u8>, Mark>,
}

impl Marks {
    /// Writes the list of all tracked files, sorted by their paths, with their marks.
    pub fn list(files: &[(&[u8], Option<Mark>)]) -> Vec<u8> {
        let mut list = Vec::new();
        if files.iter().any(|(_, mark)| mark.is_some()) {
            write_folder(&mut list, files, 0);
        }
        list
    }

    /// Reads a list.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(list: &[u8]) -> Result<Marks, String> {
        let mut marks = Marks::default();
        for entry in list.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
            let read = entry.iter().position(|byte| *byte == b' ').map(|at| entry.split_at(at));
            let read = read.and_then(|(tag, path)| Some((mark_of(tag)?, path.get(1..)?)));
            let (mark, path) = read.ok_or("an entry of the list of marks can't be understood")?;
            let folder = path.ends_with(b"/");
            if folder { &mut marks.folders } else { &mut marks.files }.insert(path.to_owned(), mark);
        }
        Ok(marks)
    }

    /// Returns the mark of a path, if it is tracked and has one.
    pub fn of(&self, path: &[u8]) -> Option<Mark> {
        if let Some(mark) = self.files.get(path) {
            return Some(*mark);
        }
        if self.folders.is_empty() {
            return None;
        }
        let ends = (0..path.len()).rev().filter(|at| path[*at] == b'/');
        let mut above = ends.map(|at| &path[..=at]).chain([&b"/"[..]]);
        above.find_map(|folder| self.folders.get(folder)).copied()
    }
}

/// Writes the entries of a folder whose name has this length, with its `/`.
fn write_folder(list: &mut Vec<u8>, files: &[(&[u8], Option<Mark>)], length: usize) {
    let Some((first, mark)) = files.first() else { return };
    if files.len() > 1 && files.iter().all(|(_, other)| other == mark) {
        let folder: &[u8] = if length == 0 { b"/" } else { &first[..length] };
        write_entry(list, folder, *mark);
        return;
    }
    let mut rest = files;
    while let Some((path, mark)) = rest.first() {
        let inside = path[length..].iter().position(|byte| *byte == b'/').map(|at| &path[..=length + at]);
        let count = match inside {
            None => {
                write_entry(list, path, *mark);
                1
            }
            Some(folder) => {
                let count = rest.iter().take_while(|(path, _)| path.starts_with(folder)).count();
                write_folder(list, &rest[..count], folder.len());
                count
            }
        };
        rest = &rest[count..];
    }
}

fn write_entry(list: &mut Vec<u8>, path: &[u8], mark: Option<Mark>) {
    let Some(Mark { by, left_out }) = mark else { return };
    list.extend_from_slice(if left_out { b"-" } else { b"" });
    list.extend_from_slice(match by {
        HiddenBy::AssumeUnchanged => b"h ",
        HiddenBy::SkipWorktree => b"S ",
        HiddenBy::Both => b"s ",
    });
    list.extend_from_slice(path);
    list.push(0);
}

fn mark_of(tag: &[u8]) -> Option<Mark> {
    let (left_out, tag) = tag.strip_prefix(b"-").map_or((false, tag), |tag| (true, tag));
    let by = match tag {
        b"h" => HiddenBy::AssumeUnchanged,
        b"S" => HiddenBy::SkipWorktree,
        b"s" => HiddenBy::Both,
        _ => return None,
    };
    Some(Mark { by, left_out })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(files: &[(&[u8], Option<Mark>)]) -> String {
        String::from_utf8_lossy(&Marks::list(files)).replace('\0', "\n")
    }

    #[test]
    fn a_folder_whose_files_all_have_one_mark_is_one_entry() {
        let out = Some(Mark { by: HiddenBy::SkipWorktree, left_out: true });
        let assumed = Some(Mark { by: HiddenBy::AssumeUnchanged, left_out: false });
        let both = Some(Mark { by: HiddenBy::Both, left_out: false });
        let files: &[(&[u8], Option<Mark>)] = &[
            (b"a b\nc", both),
            (b"in/1", None),
            (b"in/deep/2", out),
            (b"in/deep/er/3", out),
            (b"in/deep-4", out),
            (b"out/5", out),
            (b"out/6", assumed),
        ];
        assert_eq!(text(files), "s a b\nc\n-S in/deep/\n-S in/deep-4\n-S out/5\nh out/6\n");
        let marks = Marks::read(&Marks::list(files)).expect("read");
        for (path, mark) in files {
            assert_eq!(marks.of(path), *mark, "{}", String::from_utf8_lossy(path));
        }
        assert_eq!(marks.of(b"in/dee"), None);
        assert_eq!(text(&[(b"x/1", None), (b"x/2", None)]), "");
        let whole = Marks::list(&[(b"1", out), (b"x/2", out)]);
        assert_eq!(whole, b"-S /\0");
        assert_eq!(Marks::read(&whole).expect("read").of(b"x/2"), out);
    }

    #[test]
    fn a_list_with_anything_else_in_it_is_refused() {
        for list in [&b"X a\0"[..], b"h\0", b"-\0", b" a\0", b"-- a\0"] {
            assert!(Marks::read(list).is_err(), "{}", String::from_utf8_lossy(list));
        }
    }
}
