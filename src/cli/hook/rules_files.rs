//! The rules files: the user's own, and what a project may add to them.
//!
//! A project's file may come with a clone. It can only add checkpoints. If it tries to switch something off,
//! that is not done, and it is reported once.

use std::path::Path;

use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::context::Context;
use crate::risk::Rules;
use crate::sys::files;
use crate::sys::place::Root;

/// The name of both files.
const RULES: &str = "snapshot-rules.json";

/// A rules file over this many bytes is none.
const LARGEST: u64 = 1 << 20;

/// Where it is kept what was said already, in the user's own folder.
const SAID: &str = "said";

/// What holds for one project.
pub(super) struct ProjectRules {
    pub(super) rules: Rules,
    /// A file that can't be used.
    pub(super) wrong: Option<Error>,
    /// What the project's file wanted and does not get, if that was not said yet.
    pub(super) refused: Option<String>,
}

/// Reads the rules of the user and of the project. A file that can't be read is reported and skipped.
pub(super) fn read(context: &Context, root: &Path) -> ProjectRules {
    let mut found = ProjectRules { rules: Rules::default(), wrong: None, refused: None };
    let own = context.config_dir.join(RULES);
    let theirs = root.join(".claude").join(RULES);
    if own != theirs && is_the_users(context, root) {
        found.add(&own, |rules, json| rules.add(json).map(|()| Vec::new()));
    }
    let mut off = Vec::new();
    let json = found.add(&theirs, |rules, json| {
        off = rules.add_only(json)?;
        Ok(off.clone())
    });
    if let Some(json) = json.filter(|_| !off.is_empty())
        && said_first(context, root, &json).unwrap_or(true)
    {
        found.refused = Some(format!(
            "{} wants no checkpoints of the class {}. A project can't switch them off, so they are made. \
             If you want that yourself, put \"off\" into {}.",
            Line(&theirs.to_string_lossy()),
            off.iter().map(|class| Line(class).to_string()).collect::<Vec<_>>().join(", "),
            Line(&own.to_string_lossy()),
        ));
    }
    found
}

/// Says whether the client's folder is the user's and not the project's: a project's settings can name
/// a folder of their own.
fn is_the_users(context: &Context, root: &Path) -> bool {
    !context.config_dir.starts_with(root) || context.config_dir == context.home.join(".claude")
}

impl ProjectRules {
    /// Reads one file and returns it, if it could be used.
    fn add(
        &mut self,
        path: &Path,
        add: impl FnOnce(&mut Rules, &[u8]) -> std::result::Result<Vec<String>, String>,
    ) -> Option<Vec<u8>> {
        let refused = |why: String| {
            Error::new(Kind::Usage, format!("Cannot use {}", path.display())).because(why).hint(
                "docs/claude-code.md describes the file; until it is put right, the built-in rules apply",
            )
        };
        match files::read_plain(path, LARGEST) {
            Ok(None) => None,
            Ok(Some(json)) => match add(&mut self.rules, &json) {
                Ok(_) => Some(json),
                Err(why) => {
                    self.wrong = Some(refused(why));
                    None
                }
            },
            Err(error) => {
                self.wrong = Some(error);
                None
            }
        }
    }
}

/// Remembers a message, and says whether it is new, for each project and each content of its file.
fn said_first(context: &Context, root: &Path, json: &[u8]) -> Result<bool> {
    let mut what = root.as_os_str().as_encoded_bytes().to_vec();
    what.push(0);
    what.extend_from_slice(json);
    let mark = context.state.join(SAID).join(ObjectId::of(&what).to_string());
    if mark.symlink_metadata().is_ok() {
        return Ok(false);
    }
    Root::own(&context.state).at(SAID).make_folder()?;
    files::write_new(&mark, b"")?;
    Ok(true)
}
