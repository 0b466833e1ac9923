//! Checkpoints that hooks make: before a step that can destroy work, and at the ends of things.
//!
//! A step waits until its checkpoint is whole and durable: what the step destroys may be the
//! store's own temporary files too (`git clean -x`), and a snapshot that is only half there is none.
//! Only putting the store in order comes after the answer.

use std::path::Path;
use std::time::{Duration, Instant};

use super::Started;
use crate::capture::{self, Automatic, History, Limits, Request, Signing};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::git::{Place as Repo, Repository};
use crate::progress::Progress;
use crate::restore;
use crate::risk::{self, Call, Place, Risk, Rules, Unsaved};
use crate::session::Wanted;
use crate::workspace::Workspace;

/// The file with a project's or a user's own rules, in `.claude/`.
const RULES: &str = "snapshot-rules.json";

/// A rules file over this many bytes is none.
const LARGEST_RULES: u64 = 1 << 20;

/// How long a session's first step waits for its transcript: the client writes it some 100 ms late.
const FIRST_RECORDS: Duration = Duration::from_millis(300);

/// `PreToolUse`: saves before a step that can destroy work; anything else is let through at once.
pub(super) fn before_tool(started: &Started) -> Result<()> {
    let tool = started.input.tool_input.clone().unwrap_or_default();
    let call = Call {
        tool: started.input.tool_name.as_deref().unwrap_or_default(),
        command: tool.command.as_deref(),
        file: tool.file_path.as_deref(),
    };
    let context = started.context()?;
    let root = project_root(&context.cwd);
    let (rules, wrong) = rules(&context, root);
    let unsaved = |path: &Path| unsaved(root, path);
    let place = Place { root, cwd: &context.cwd, home: &context.home, unsaved: &unsaved };
    let risk = risk::of_call(&call, &rules, &place);
    if let Some(Risk { step, .. }) = risk {
        wait_for_transcript(started);
        let workspace = Workspace::open(&context)?;
        if save(started, &context, &workspace, &format!("before {step}"), Automatic::NewEdits)? {
            started.later(&["PreToolUse"])?;
        }
    }
    wrong.map_or(Ok(()), Err)
}

/// Waits a little for the transcript of a session that has just begun.
fn wait_for_transcript(started: &Started) {
    let give_up = Instant::now() + FIRST_RECORDS;
    while started.input.transcript_path.is_some()
        && started.transcript().is_none()
        && Instant::now() < give_up
    {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Saves if anything is new and the last automatic one is older than `pause`.
pub(super) fn now(started: &Started, name: &str, pause: Duration) -> Result<()> {
    // A session that was never spoken to leaves nothing worth a checkpoint.
    if started.transcript().is_none() {
        return Ok(());
    }
    let context = started.context()?;
    let workspace = Workspace::open(&context)?;
    match save(started, &context, &workspace, name, Automatic::NewState(pause))? {
        true => put_in_order(&context, &workspace),
        false => Ok(()),
    }
}

/// What comes after the answer to `PreToolUse`.
pub(super) fn after_tool_was_let_go(started: &Started) -> Result<()> {
    let context = started.context()?;
    put_in_order(&context, &Workspace::open(&context)?)
}

/// Removes automatic snapshots past their policy, and has `latest` follow the newest.
fn put_in_order(context: &Context, workspace: &Workspace) -> Result<()> {
    capture::tidy(context, workspace)?;
    restore::follow(workspace)
}

/// Saves; says whether there was anything new.
fn save(
    started: &Started,
    context: &Context,
    workspace: &Workspace,
    name: &str,
    automatic: Automatic,
) -> Result<bool> {
    // A tree that a killed restore left half done is no state to keep.
    restore::recover(context, workspace)?;
    let session = match started.transcript() {
        None => None,
        asked => {
            let wanted = Wanted { asked, environment: None, root: &workspace.root };
            workspace.client.find_session(wanted)?
        }
    };
    let progress = Progress::default();
    let request = Request {
        name: Some(name),
        message: None,
        session: session.as_ref(),
        history: History::Context,
        include: &[],
        limits: Limits::default(),
        automatic: Some(automatic),
        sign: Signing::No,
        allow_secrets: &[],
        progress: &progress,
    };
    let report = match capture::save(context, workspace, &request) {
        // A hook beside this one took the name: what it saved is found now.
        Err(error) if error.kind() == Kind::Refused => capture::save(context, workspace, &request)?,
        done => done?,
    };
    Ok(report.written)
}

/// Returns the folder that holds `.git`, without starting git: most steps need no more.
fn project_root(cwd: &Path) -> &Path {
    cwd.ancestors().find(|above| above.join(".git").exists()).unwrap_or(cwd)
}

/// Reads the rules of the user and of the project; a file that can't be read is told of, and passed over.
fn rules(context: &Context, root: &Path) -> (Rules, Option<Error>) {
    let mut rules = Rules::default();
    let mut wrong = None;
    for path in [context.config_dir.join(RULES), root.join(".claude").join(RULES)] {
        let refused = |why: String| {
            Error::new(Kind::Usage, format!("Cannot use {}", path.display()))
                .because(why)
                .hint("docs/claude-code.md describes the file; the built-in rules hold meanwhile")
        };
        match fs::read_plain(&path, LARGEST_RULES) {
            Ok(None) => {}
            Ok(Some(json)) => wrong = rules.add(&json).err().map(refused).or(wrong),
            Err(error) => wrong = Some(error),
        }
    }
    (rules, wrong)
}

/// Says what overwriting a file would lose; in doubt nothing, as most files that are written are new.
fn unsaved(root: &Path, path: &Path) -> Unsaved {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => return Unsaved::Folder,
        Ok(meta) if meta.len() > 0 => {}
        _ => return Unsaved::No,
    }
    let Ok(Repo::WorkTree(repository)) = Repository::discover(root) else { return Unsaved::No };
    repository.unsaved(path).map_or(Unsaved::No, |unsaved| match unsaved {
        None => Unsaved::No,
        Some(true) => Unsaved::Edits,
        Some(false) => Unsaved::Whole,
    })
}
