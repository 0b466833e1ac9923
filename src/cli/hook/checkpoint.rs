//! Checkpoints that hooks make: before a step that can destroy work, and at the end of turns and sessions.
//!
//! A step waits until its edits are durable, as a snapshot that stands for itself. The conversation follows behind the answer, and
//! so does cleaning up the store. A step that could take away what that needs (`git clean -x`, `rm -rf .claude`) waits for all: the
//! edits are published first there too, as they may be all that the disk has room for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::affected_trees::{self, MOST_TOLD, StepImpact};
use super::after_answer::{Behind, put_in_order};
use super::once::said_once;
use super::this_machine::ThisMachine;
use super::{
    Started, left_by_agent, lost_history, not_held, rescue, rules_files, unsaid, waits_for_checkpoint,
};
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::base::warning::Warning;
use crate::capture::{self, Automatic, Conversation, History, Request, SaveReport, Signing};
use crate::cli::output::words::quoted;
use crate::cli::program_name;
use crate::cli::unfinished::{self, Unfinished};
use crate::client::was_spoken_to;
use crate::context::Context;
use crate::git::{work_tree_around, work_trees_of};
use crate::manifest::{Head, Manifest, Skipped};
use crate::restore;
use crate::risk::{self, Call, Risk, StepContext, Target};
use crate::workspace::Workspace;

/// How long a session's first step waits for its transcript: the client writes it some 100 ms late.
const FIRST_RECORDS: Duration = Duration::from_millis(300);

/// More work trees than this are not saved before one step.
const MOST_TREES: usize = 12;

/// After this no further work tree is begun: the client gives a hook a minute.
const LONGEST: Duration = Duration::from_secs(40);

/// Where most stores are in a work tree.
const STORE: &str = ".claude/snapshots";

/// The longest name of a snapshot, in bytes.
const LONGEST_NAME: usize = 120;

/// What a person should know of the checkpoints before a step, and what went wrong with them.
pub(super) struct Told {
    pub(super) text: String,
    pub(super) error: Option<Error>,
}

/// `PreToolUse`: saves before a step that can destroy work, and lets anything else through at once.
pub(super) fn before_tool(started: &Started) -> Result<Told> {
    let context = started.context()?;
    let root = project_root(&context.cwd);
    let rules_files::ProjectRules { rules, wrong, refused } = rules_files::read(&context, root);
    let call = Call {
        tool: started.input.tool_name.as_deref().unwrap_or_default(),
        input: &started.input.tool_input,
    };
    let machine = ThisMachine::of(&context);
    let place = StepContext { cwd: &context.cwd, home: &context.home, around: &machine };
    let mut risks = risk::of_call(&call, &rules, &place);
    unsaid::take_out(&mut risks, &started.input.tool_input, &context);
    let mut checkpoints = Checkpoints {
        started,
        context: &context,
        own: work_tree_around(&context.cwd),
        until: Instant::now() + LONGEST,
        done: BTreeMap::new(),
        behind: Behind::default(),
        failed: None,
        said: Vec::new(),
    };
    let mut said: Vec<String> = refused.into_iter().collect();
    said.extend(unfinished_before(started, &context, checkpoints.own.as_deref()));
    if !risks.is_empty() {
        wait_for_transcript(started);
        let of_step = said_once(started, "PreToolUse", || {
            checkpoints.before(&risks, &machine);
            checkpoints.said.join("\n")
        });
        said.extend(Some(of_step).filter(|text| !text.is_empty()));
    }
    let Checkpoints { behind, failed, .. } = checkpoints;
    // What a person should know is said all the same.
    let not_started = behind.start(started, &context).err();
    Ok(Told { text: said.join("\n"), error: failed.or(wrong).or(not_started) })
}

/// Says once of earlier checkpoints of this session, or of its work tree, that their conversation did not follow.
fn unfinished_before(started: &Started, context: &Context, own: Option<&Path>) -> Vec<String> {
    let session = started.input.session_id.as_deref();
    let is_of_it = |one: &Unfinished| {
        one.session.as_deref().is_some_and(|id| Some(id) == session)
            || own.is_some_and(|own| one.root.as_path() == own)
    };
    let mut all = unfinished::to_tell(context);
    all.retain(is_of_it);
    all.into_iter().filter_map(|one| unfinished::tell(context, one)).map(|told| told.sentence()).collect()
}

/// The checkpoints before one tool call.
struct Checkpoints<'a> {
    started: &'a Started,
    context: &'a Context,
    /// The work tree that the session works in.
    own: Option<PathBuf>,
    until: Instant,
    /// What the checkpoint of each work tree leaves out.
    done: BTreeMap<PathBuf, Vec<Skipped>>,
    /// What comes after the answer.
    behind: Behind,
    failed: Option<Error>,
    said: Vec<String>,
}

impl Checkpoints<'_> {
    fn before(&mut self, risks: &[Risk], machine: &ThisMachine<'_>) {
        // What a step takes is told by what is there, and the store of a first checkpoint is not yet. A linked work tree has none.
        let lacks_store = |own: &&PathBuf| own.join(".git").is_dir() && !own.join(STORE).is_dir();
        if let Some(own) = self.own.as_ref().filter(lacks_store).filter(|_| self.context.store.is_none()) {
            let there = Context { cwd: own.clone(), ..self.context.clone() };
            let _is_tried_again = Workspace::open(&there).and_then(|workspace| workspace.store.prepare());
        }
        let hits: Vec<StepImpact> = risks.iter().map(|risk| affected_trees::of_risk(risk, machine)).collect();
        let steps: Vec<(&Risk, StepImpact)> = risks.iter().zip(hits.iter().cloned()).collect();
        for (risk, mut hit) in risks.iter().zip(hits) {
            if let Some(at) = hit.trees.iter().position(|root| Some(root) == self.own.as_ref()) {
                hit.trees[..=at].rotate_right(1);
            }
            let left = hit.trees.len().saturating_sub(MOST_TREES);
            if left > 0 {
                hit.uncovered.push(format!("{left} more work trees are too many at once"));
            }
            let already_said = self.said.len();
            // With no work tree known, the session's own is what there is to save.
            if hit.trees.is_empty() && !risk.touched.unknown.is_empty() {
                hit.trees.extend(self.own.clone());
            }
            let trees: Vec<PathBuf> = hit.trees.iter().take(MOST_TREES).cloned().collect();
            let unforeseen = &risk.touched.unknown;
            let alone = hit.trees.len() == 1 && hit.uncovered.is_empty() && unforeseen.is_empty();
            let (mut lost, mut saved) = (Vec::new(), Vec::new());
            for root in trees {
                if !self.done.contains_key(&root) {
                    self.done.insert(root.clone(), Vec::new());
                    if Instant::now() > self.until {
                        let shown = Line(&root.to_string_lossy()).to_string();
                        hit.uncovered.push(format!("there is no time left for {shown}"));
                        continue;
                    }
                    match self.tree(&root, risk, (&hit.gone, &steps), alone) {
                        Ok(lacking) => hit.uncovered.extend(lacking),
                        Err(error) => {
                            hit.uncovered.push(error.to_string());
                            self.failed.get_or_insert(error);
                            continue;
                        }
                    }
                }
                saved.push(Line(&root.to_string_lossy()).to_string());
                // That nobody could be told of it is no reason to tell nothing else.
                hit.uncovered.extend(self.history(&root, risk, &hit).unwrap_or_default());
                lost.extend(self.not_held(&root, risk, &hit).unwrap_or_default());
            }
            let more = lost.len().saturating_sub(MOST_TOLD);
            hit.uncovered.extend(lost.into_iter().take(MOST_TOLD));
            hit.uncovered
                .extend((more > 0).then(|| format!("and {more} more paths are not in the snapshot")));
            // Two work trees of one repository say the same of it.
            let mut said_already = BTreeSet::new();
            hit.uncovered.retain(|one| said_already.insert(one.clone()));
            if !hit.uncovered.is_empty() {
                let all = hit.uncovered.join("; ");
                self.said.insert(
                    already_said,
                    format!("snap did not save everything before `{}`: {all}.", risk.step),
                );
            }
            if !unforeseen.is_empty() {
                self.said.insert(already_said, not_foreseen(risk, &saved));
            }
        }
    }

    /// Says what of a work tree the step takes away and no snapshot holds.
    fn not_held(&self, root: &Path, risk: &Risk, hit: &StepImpact) -> Result<Vec<String>> {
        if hit.removed.is_empty() && risk.touched.cleans.is_none() {
            return Ok(Vec::new());
        }
        let context = Context { cwd: root.to_owned(), ..self.context.clone() };
        let workspace = Workspace::open(&context)?;
        not_held::of_step(risk, hit, &workspace, self.done.get(root).map_or(&[], Vec::as_slice))
    }

    /// Says what the step takes of a work tree's repository itself.
    fn history(&self, root: &Path, risk: &Risk, hit: &StepImpact) -> Result<Vec<String>> {
        if hit.gone.is_empty() && risk.touched.forgets.is_none() {
            return Ok(Vec::new());
        }
        let context = Context { cwd: root.to_owned(), ..self.context.clone() };
        lost_history::of_step(risk, &hit.gone, &Workspace::open(&context)?)
    }

    /// Saves one work tree that a step touches; returns what its snapshot lacks, in words.
    ///
    /// A conversation in one repository must not appear in another. There, the edits are saved without
    /// the conversation.
    fn tree(
        &mut self,
        root: &Path,
        risk: &Risk,
        (gone, steps): (&[PathBuf], &[(&Risk, StepImpact)]),
        alone: bool,
    ) -> Result<Option<String>> {
        let context = Context { cwd: root.to_owned(), ..self.context.clone() };
        let workspace = Workspace::open(&context)?;
        let is_own = self.own.as_deref() == Some(root);
        let same_repository =
            is_own || self.own.as_ref().is_some_and(|own| work_trees_of(own).contains(&root.to_owned()));
        if !same_repository && !has_edits(&workspace)? {
            return Ok(None);
        }
        let is_left = |target: &Target| left_by_agent::is_as_left(self.started, self.context, &target.path);
        if risk.one_file && risk.touched.targets.iter().all(is_left) && self.holds(&workspace, risk)? {
            self.note_left(risk);
            return Ok(None);
        }
        let name = name_of(&risk.step, (!alone).then_some(root));
        let conversation = match same_repository {
            false => None,
            true if waits_for_checkpoint::for_all(steps, &context, &workspace, self.started.transcript()) => {
                Some(Conversation::Next)
            }
            true => Some(Conversation::Follows),
        };
        let SaveReport { manifest, written, notes, left_out, follows, .. } =
            save(self.started, &context, &workspace, &name, Automatic::NewEdits, conversation)?;
        let unread = notes.into_iter().find_map(|note| match note {
            Warning::ConversationNotSaved(why) => Some(why),
            _ => None,
        });
        self.done.insert(root.to_owned(), left_out);
        self.note_left(risk);
        if let Some(follows) = follows {
            let expected = Unfinished {
                snapshot: manifest.id.clone(),
                name: manifest.name.clone(),
                root: root.into(),
                store: workspace.store.root().into(),
                session: self.started.input.session_id.clone(),
                since: context.now,
                why: None,
            };
            self.behind.complete(root, expected, follows);
        } else if written {
            self.behind.tidy(if same_repository { &self.context.cwd } else { root });
        }
        let takes_store = gone.iter().any(|gone| workspace.store.root().starts_with(gone))
            || lost_history::removes_what_a_list_says(risk);
        let repository = workspace.repository.as_ref();
        let takes_repository =
            repository.is_some_and(|repository| lost_history::is_gone(risk, gone, repository));
        let shown = Line(&root.to_string_lossy()).to_string();
        let saved = Line(&manifest.name).to_string();
        let snap = program_name::name();
        if takes_store || takes_repository {
            let file = rescue::keep(&context, &workspace, &manifest)?;
            self.said.push(format!(
                "snap saved {shown}, and because `{}` {} {}, a copy in {}. \
                 In a clone of the repository: {snap} import {} && {snap} resume {}",
                risk.step,
                // Of what is only found when it runs, some may stay.
                if lost_history::may_stay(risk) { "may remove" } else { "removes" },
                if takes_store { "its snapshots too" } else { "its repository" },
                Line(&file.to_string_lossy()),
                quoted(&file.to_string_lossy()),
                quoted(&saved),
            ));
        } else if !is_own || gone.iter().any(|gone| root.starts_with(gone)) {
            let place = if same_repository {
                String::new()
            } else {
                format!("-C {} ", quoted(&root.to_string_lossy()))
            };
            self.said.push(format!(
                "snap saved {shown} before `{}`. To bring it back: {snap} {place}rewind {}",
                risk.step,
                quoted(&saved)
            ));
        }
        Ok(unread.map(|why| {
            let what = format!("the edits are saved as \"{saved}\", the conversation is not");
            let failed = Error::new(Kind::Environment, format!("Before `{}`, {what}", risk.step));
            self.failed.get_or_insert(failed.because(&why));
            format!("{what}: {why}")
        }))
    }

    /// Notes what a call makes of its files. Without a note, they are only saved before the next one too.
    fn note_left(&self, risk: &Risk) {
        for target in risk.touched.targets.iter().filter(|_| risk.one_file) {
            let _best_effort = left_by_agent::note(self.started, self.context, &target.path);
        }
    }

    /// Says whether this session's snapshots hold a state of the file already.
    fn holds(&self, workspace: &Workspace, risk: &Risk) -> Result<bool> {
        let Some(session) = self.started.input.session_id.as_deref() else { return Ok(false) };
        let paths: Vec<RepoPath> =
            risk.touched.targets.iter().filter_map(|target| workspace.path_of(&target.path)).collect();
        let holds = |m: &Manifest| {
            m.edits.as_ref().is_some_and(|edits| {
                paths.iter().all(|path| edits.files.iter().any(|edit| edit.path == *path))
            })
        };
        if paths.is_empty() {
            return Ok(false);
        }
        let known = workspace.store.known()?;
        let is_wanted = |head: &Head| {
            head.session().is_some_and(|id| id.as_str() == session)
                && !head.safety
                && *head.root() == workspace.root.as_path().into()
        };
        let wanted = known.iter().filter(|known| known.own && known.head.as_ref().is_ok_and(is_wanted));
        let mut wanted = wanted.filter_map(|known| workspace.store.whole(known)).filter(holds);
        Ok(wanted.any(|manifest| workspace.store.has_objects_of(&manifest).unwrap_or(false)))
    }
}

/// Says whether anything is pending.
fn has_edits(workspace: &Workspace) -> Result<bool> {
    match &workspace.repository {
        Some(repository) => Ok(!repository.status_at_once()?.pending.is_empty()),
        None => Ok(false),
    }
}

/// Says that only the run of a step decides what it touches, and which work trees are saved all the same.
fn not_foreseen(risk: &Risk, saved: &[String]) -> String {
    let all = &risk.touched.unknown;
    let mut named: Vec<String> =
        all.iter().take(MOST_TOLD).map(|written| Line(written).to_string()).collect();
    named.extend(
        all.get(MOST_TOLD..).filter(|more| !more.is_empty()).map(|more| format!("{} more", more.len())),
    );
    let are = if all.len() == 1 { "is" } else { "are" };
    let saved = if saved.is_empty() { "nothing".to_owned() } else { format!("only {}", saved.join(", ")) };
    format!(
        "snap can't tell what `{}` will touch: {} {are} known only when the step runs. Saved before it: {saved}.",
        risk.step,
        named.join(", ")
    )
}

/// Names a checkpoint. With a work tree given, the checkpoint holds only that one of those that the
/// step touches, and its name says so.
fn name_of(step: &str, only: Option<&Path>) -> String {
    let folder = only.and_then(Path::file_name).map(|name| Line(&name.to_string_lossy()).to_string());
    let mut end = folder.map(|name| format!(" (only {name})")).unwrap_or_default();
    if end.len() > 50 {
        let cut = end.floor_char_boundary(45);
        end.truncate(cut);
        end.push_str("…)");
    }
    let mut name = format!("before {step}");
    // A number may still come behind it.
    let most = LONGEST_NAME - 6 - end.len();
    if name.len() > most {
        name.truncate(name.floor_char_boundary(most - 3));
        name = name.trim_end().trim_end_matches('…').to_owned() + "…";
    }
    name + &end
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
    match started.transcript() {
        Some(transcript) if was_spoken_to(Path::new(transcript))? => {}
        _ => return Ok(()),
    }
    let context = started.context()?;
    let workspace = Workspace::open(&context)?;
    let automatic = Automatic::NewState(pause);
    if save(started, &context, &workspace, name, automatic, Some(Conversation::WithEdits))?.written {
        put_in_order(&context, &workspace)?;
    }
    Ok(())
}

/// Saves, with the conversation or (`None`) without; the report has what holds the edits now, and whether it is new.
fn save(
    started: &Started,
    context: &Context,
    workspace: &Workspace,
    name: &str,
    automatic: Automatic,
    conversation: Option<Conversation>,
) -> Result<SaveReport> {
    // A tree that a killed restore left half done is no state to keep.
    restore::recover(context, workspace)?;
    let transcript = started.transcript().filter(|_| conversation.is_some()).map(Path::new);
    let session = transcript.map(|transcript| workspace.client.session_at(transcript)).transpose()?;
    let monitor = Monitor::default();
    let request = Request {
        name: Some(name),
        history: History::Context,
        conversation: conversation.unwrap_or(Conversation::WithEdits),
        automatic: Some(automatic),
        sign: Signing::No,
        ..Request::usual(session.as_ref(), &context.settings, &monitor)
    };
    match capture::save(context, workspace, &request) {
        // A hook beside this one took the name: what it saved is found now.
        Err(error) if error.kind() == Kind::Refused => capture::save(context, workspace, &request),
        done => done,
    }
}

/// Returns the folder that holds `.git`, without starting git: most steps need no more.
fn project_root(cwd: &Path) -> &Path {
    cwd.ancestors().find(|above| above.join(".git").exists()).unwrap_or(cwd)
}
