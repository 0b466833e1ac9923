//! Files that wait for a secret: what is said of them.

use serde::{Serialize, Serializer};

use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::cli::output::Ui;
use crate::cli::output::words::quoted;
use crate::redaction::{Held, MissingSecret};

/// Warns of files that wait for a secret.
pub(crate) fn warn_of(ui: &mut Ui, unfilled: &[Held]) {
    for held in unfilled {
        let here = held.secrets.iter().filter_map(MissingSecret::offer);
        let flags: Vec<String> =
            here.map(|offer| format!("--fill {}", quoted(&Line(&offer).to_string()))).collect();
        let how = if flags.is_empty() {
            String::new()
        } else {
            format!(" (`{}` takes it from the environment)", flags.join(" "))
        };
        ui.warn(&format!("held back: {}: {}{how}", held.path, held.reason()));
    }
}

/// The same for programs.
pub(super) fn as_json<S: Serializer>(
    unfilled: &[Held],
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Unfilled<'a> {
        path: &'a RepoPath,
        secrets: Vec<Secret<'a>>,
    }
    #[derive(Serialize)]
    struct Secret<'a> {
        id: &'a str,
        kind: &'a str,
        names: &'a [String],
        /// The variables here that may hold it.
        here: &'a [String],
        /// Whether it stands there in a code that can't be made again.
        coded: bool,
    }
    serializer.collect_seq(unfilled.iter().map(|held| {
        let secrets = held.secrets.iter();
        let secrets = secrets.map(|one| Secret {
            id: &one.id,
            kind: &one.kind,
            names: &one.names,
            here: &one.here,
            coded: one.is_coded,
        });
        Unfilled { path: &held.path, secrets: secrets.collect() }
    }))
}
