//! Warnings: what a person should know although nothing failed. Each kind is a value with one text.
//!
//! Pure. Operations return these with their results, and only the command line shows them. In JSON, each is
//! its text. Text from outside is made safe where it is shown, like all text.

use std::fmt;

pub use crate::base::lost::Lost;
use crate::base::screen::cut;

use serde::{Serialize, Serializer};

/// At most so many paths are named in one sentence.
const MOST_NAMED: usize = 3;

/// One thing that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The manifest in the file of this name can't be read, which keeps all objects from being removed.
    UnreadableSnapshot(String),
    /// Manifests were set aside, which keeps all objects from being removed.
    ManifestsAside(String),
    /// What the snapshot of this name in the trash needs can't be told, which keeps all objects from being removed.
    TrashKeepsObjects(String),
    /// The file of this name holds another copy of a snapshot that was removed, and stays.
    CopyStays(String),
    /// Snapshots are gone, and git still keeps their base commits.
    NotReleased(String),
    /// Names of snapshots that are gone still stand in the log.
    NamesInLog(String),
    /// What was done is in no line of the log.
    NotLogged(String),
    /// Snapshots are gone, and not everything that belongs to them.
    NotFinished(String),
    /// The snapshot of this name is gone at once, because there is no room for it in the trash, and why.
    NotInTrash(String, String),
    /// A snapshot that was to be removed is still there: its name, and why.
    NotRemoved(String, &'static str),
    /// What was removed for good may still stand in a file that only saves time, and why.
    NotForgotten(String),
    /// Links to snapshots could not be brought up to date, and why.
    Links(String),
    /// A pattern of files that were to be saved all the same fits none.
    NothingIncluded(String),
    /// Files that were saved because an earlier save was asked to take them.
    IncludedAgain(Vec<String>),
    /// Files that an earlier save was asked to take, and that this one leaves out.
    NotIncludedAgain(Vec<String>),
    /// There is no repository whose pending edits could be saved.
    NotInRepository,
    /// A merge or the like is under way while a snapshot is saved.
    OperationInProgress(String),
    /// git fails with its content filters, and what it says.
    WithoutFilters(String),
    /// The conversation can't be read, and why; the edits are saved.
    ConversationNotSaved(String),
    /// There is no session to save.
    NoSessionHere,
    /// Names that are saved as they are hold what looks like a secret: of what they are.
    SecretInNames(String),
    /// The snapshot carries no mark of this user, and why.
    NotMarked(String),
    /// The snapshot is not signed, and why.
    NotSigned(String),
    /// git may collect the base commit, and why.
    BaseNotKept {
        /// The commit.
        base: String,
        /// What git says.
        why: String,
    },
    /// The last line of this transcript is unfinished.
    TornLine(String),
    /// The task files are gone, and so many tasks were saved from what the model was reminded of.
    TasksOnlyReminded(usize),
    /// What identifies the user's account is left out.
    AccountLeftOut(String),
    /// The base commit is not here, and files are compared with what came with the snapshot.
    BaseCarried(String),
    /// The base commit is gone, and its files are here.
    OnlyTreeOfBase(String),
    /// A merge or the like was under way when the snapshot was saved.
    OperationWasInProgress(String),
    /// The snapshot holds no session.
    NoSessionSaved,
    /// The snapshot holds a session without its conversation.
    NoConversationSaved,
    /// Nothing was said yet in the saved session of this id.
    NothingSaid(String),
    /// Nothing was said yet in the session of this id, which is being saved.
    NothingToResumeYet(String),
    /// Something of a session that does not come back.
    Lost(Lost, String),
    /// So many more of those.
    MoreLost(Lost, usize),
    /// A path that the snapshot left out, and why.
    NotInSnapshot {
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
    /// So many more of those.
    MoreNotInSnapshot(usize),
    /// What is wrong with a saved conversation.
    Damaged {
        /// Which one.
        what: String,
        /// What was found.
        finding: String,
    },
    /// So many more places are damaged.
    MoreDamaged(usize),
    /// A file here is another than the saved one, and stays.
    StaysDifferent(String),
    /// The session continues in this folder instead of a work tree of its own.
    LeavesWorkTree(String),
    /// Variables that the session relied on and that are not set here.
    ToSupply(Vec<String>),
    /// A client's copy of a file can't be made, as a secret in it is not here.
    CopyLeftOut(String),
    /// A script of the session's environment can't be made, as a secret in it is not here.
    ScriptLeftOut(String),
    /// Folders that had been added to the session and are not added again.
    FoldersNotAdded(Vec<String>),
    /// How the session ran, which the client that goes on does not.
    RanInBackground,
    /// Notes for the project's memory come along.
    MemoryComes(usize),
    /// An undo leaves the conversation where it is.
    ConversationStays,
    /// Tasks that a merge added, and that were changed since: their numbers.
    TasksStay(Vec<String>),
    /// So many tasks of a merge can't be added again, as the snapshot that they are from is gone.
    TasksNotAgain(usize),
    /// What was merged of this line last is gone.
    MergedBaseGone,
    /// Whether what is merged goes on from what was merged here last is not known, as the snapshot with this id is not here.
    MergedAcrossGap(String),
    /// What is merged goes on from a snapshot with this id that is not here, and nothing that both have is.
    MergedWithoutBase(String),
    /// So many open tasks of a merged snapshot, and no session here to add them to.
    NoSessionForTasks(usize),
    /// So many more open tasks than a merge adds.
    MoreTasks(usize),
    /// A branch was moved by others since.
    BranchMovedSince(String),
    /// HEAD is elsewhere than when the safety snapshot was made.
    HeadMoved {
        /// Where it was.
        then: String,
        /// Where it is.
        now: String,
    },
    /// A rewind takes the hooks that call this program out of a settings file, by its path.
    HooksGo(String),
    /// A rewind leaves HEAD at another commit, or on another branch, than the snapshot was saved on.
    HeadStays {
        /// Where HEAD is.
        here: String,
        /// Where it was at the save.
        then: String,
        /// What `--reset-branch` would move; `None` if another branch is checked out.
        moves: Option<String>,
    },
    /// These paths will show as staged.
    ShownAsStaged(Vec<String>),
    /// So many more of those.
    MoreShownAsStaged(usize),
    /// HEAD is not the snapshot's base, and the edited files are the same in both.
    HeadElsewhere {
        /// Where HEAD is.
        here: String,
        /// The snapshot's base.
        base: String,
        /// Which other paths differ between the two; `None` if the base is not here.
        others: Option<Vec<String>>,
    },
    /// Both sides of a merge changed this path.
    BothChanged(String),
    /// Both sides of a merge changed this path, which holds no text to merge.
    NotMerged(String),
    /// One side of a merge has a file of another kind at a path, so this is only one side's.
    OfOneSide(String),
    /// Each side of a merge renamed this path to another name.
    RenamedTwice(String),
    /// A new file was put where the other side of a merge has renamed its folder to: where it was, and where it is.
    MovedWithFolder(String, String),
    /// One side of a merge changed this path, and the other one removed it.
    ChangedAndRemoved(String),
    /// A merge changes files in a repository of its own.
    InsideRepository {
        /// The files.
        paths: Vec<String>,
        /// The folder of that repository.
        folder: String,
    },
    /// The edits were merged onto another commit than their base.
    MergedOntoHead,
    /// A path was merged as text, as its driver is not the user's own.
    MergedAsText {
        /// The path.
        path: String,
        /// The driver's name.
        driver: String,
    },
    /// What was staged of a path and what is here disagree.
    StagedDisagrees(String),
    /// The sparse checkout had other patterns at the save; the command that sets them.
    OtherSparsePatterns(String),
    /// The index has no room for a path as it was staged.
    NoRoomInIndex {
        /// The path.
        path: String,
        /// What is staged here.
        other: String,
    },
}

/// A few paths.
fn some_of(paths: &[String]) -> String {
    let first = paths.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if paths.len() > MOST_NAMED { format!("{first}, …") } else { first }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::UnreadableSnapshot(stem) => {
                let stem = cut(stem, 200);
                write!(
                    f,
                    "{stem} can't be read; it and all objects are kept. `snap verify --repair` mends it if it can; `snap rm {stem}` \
                     removes it"
                )
            }
            Warning::ManifestsAside(names) => write!(f,
                "manifests are in quarantine in the store's `damaged` ({names}); while they are there, all objects are kept. Once \
                 you have deleted them there, `snap prune --now` removes what nothing else needs"),
            Warning::TrashKeepsObjects(name) => write!(
                f,
                "it can't be told what {} in the trash needs, so all objects are kept until `snap prune --now` empties the trash",
                cut(name, 200)
            ),
            Warning::NotRemoved(name, why) => {
                write!(f, "{} was not removed: {why}; run the command again to remove it", cut(name, 200))
            }
            Warning::CopyStays(stem) => write!(
                f,
                "{}.json has the same id and says something else; it stays, and `snap rm` removes it by that name",
                cut(stem, 200)
            ),
            Warning::NotReleased(why) => write!(
                f,
                "what was removed is gone, but git still keeps its base commit: {why}. The next `snap prune` or `rm` tries it again"
            ),
            Warning::NamesInLog(why) => write!(
                f,
                "the names of what was removed still stand in the store's `log.jsonl`: {why}. The next `snap prune` or `rm` tries it again"
            ),
            Warning::NothingIncluded(pattern) => {
                write!(f, "`--include {}` matches no untracked or ignored file", cut(pattern, 200))
            }
            Warning::IncludedAgain(paths) => write!(
                f,
                "also saved, because an earlier save included it: {}; `--no-include` leaves it out",
                some_of(paths)
            ),
            Warning::NotIncludedAgain(paths) => write!(
                f,
                "not saved, though an earlier save included it: {}; `--include` saves it again",
                some_of(paths)
            ),
            Warning::NotLogged(why) => write!(f, "the log has no line about this: {why}"),
            Warning::NotFinished(why) => write!(
                f,
                "what was removed is gone, but not everything that belongs to it: {why}. The next `snap prune` or `rm` goes on"
            ),
            Warning::NotInTrash(name, why) => {
                write!(f, "{} is not in the trash but gone, so `snap undo` can't bring it back: {why}", cut(name, 200))
            }
            Warning::Links(why) => write!(f, "links are not up to date: {why}"),
            Warning::NotForgotten(why) => {
                write!(f, "text of removed snapshots may still stand in the store's `tmp`: {why}")
            }
            Warning::NotInRepository => {
                f.write_str("This folder is not in a git repository: file edits were not saved.")
            }
            Warning::WithoutFilters(why) => write!(
                f,
                "git can't list what changed with its content filters ({why}). Their files were saved by their bytes; one of \
                 them may be listed though nobody changed it"
            ),
            Warning::OperationInProgress(operation) => write!(
                f,
                "A {operation} is in progress: its files, conflicts and index are saved. After a restore, git no longer treats it as in progress."
            ),
            Warning::ConversationNotSaved(why) => write!(f, "The conversation was not saved: {why}"),
            Warning::NoSessionHere => f.write_str("No session of Claude Code was found here."),
            Warning::SecretInNames(of) => write!(
                f,
                "What looks like a secret stands in the name of {of}. A save keeps names as they are: rename what has it, and save again, before a snapshot leaves this machine."
            ),
            Warning::NotMarked(why) => write!(
                f,
                "The snapshot can't be marked as yours, so resuming it needs `--trust`: {why}. Set XDG_STATE_HOME to keep your key in another folder."
            ),
            Warning::NotSigned(why) => write!(f, "The snapshot is not signed: {why}."),
            Warning::BaseNotKept { base, why } => {
                write!(f, "The base commit {base} is not protected from git's garbage collection: {why}.")
            }
            Warning::TornLine(path) => write!(
                f,
                "The last line of {path} is incomplete; it is stored separately, and the history ends before it."
            ),
            Warning::TasksOnlyReminded(number) => write!(
                f,
                "The files of the task queue are gone; the list of the model's last reminder was saved (tasks: {number})."
            ),
            Warning::AccountLeftOut(what) => {
                write!(f, "Left out because it identifies your account: {what}.")
            }
            Warning::BaseCarried(base) => write!(
                f,
                "The snapshot's base commit {base} is not here: each edited file is compared with the version that came with the snapshot."
            ),
            Warning::OnlyTreeOfBase(base) => write!(
                f,
                "The snapshot's base commit {base} is gone, as after a rewrite of the history; its files are kept."
            ),
            Warning::OperationWasInProgress(operation) => write!(
                f,
                "A {operation} was in progress when this was saved: its files, conflicts and index come back, but git does not treat it as in progress."
            ),
            Warning::NoSessionSaved => f.write_str("The snapshot holds no session: only files are restored."),
            Warning::NoConversationSaved => {
                f.write_str("The conversation was not saved: only files are restored.")
            }
            Warning::NothingSaid(id) => write!(
                f,
                "The saved session {id} has no message, so there is nothing that the client could resume: only files are restored."
            ),
            Warning::NothingToResumeYet(id) => write!(
                f,
                "The session {id} has no message yet, so there is nothing in it that the client could resume."
            ),
            Warning::Lost(what, one) => write!(f, "{}: {one}", what.text()),
            Warning::MoreLost(what, more) => {
                write!(f, "{}: {more} more; `snap show` lists all.", what.text())
            }
            Warning::NotInSnapshot { path, reason } => write!(f, "Not in the snapshot: {path} ({reason})."),
            Warning::MoreNotInSnapshot(more) => {
                write!(f, "Not in the snapshot: {more} more; `snap show` lists all.")
            }
            Warning::Damaged { what, finding } => write!(f, "{what}, {finding}."),
            Warning::MoreDamaged(more) => write!(f, "{more} more places were damaged."),
            Warning::StaysDifferent(place) => write!(
                f,
                "{place} here differs from the saved one and stays; `snap show --json` has the saved one."
            ),
            Warning::LeavesWorkTree(folder) => write!(
                f,
                "The session had made a work tree for itself; it continues in {folder} as in any other \
                 folder, and there is no work tree to exit."
            ),
            Warning::ToSupply(names) => {
                write!(f, "Set this yourself, because it is not set here: {}.", names.join(", "))
            }
            Warning::CopyLeftOut(place) => {
                write!(f, "The client's copy {place} of an earlier file is left out: it held a secret.")
            }
            Warning::ScriptLeftOut(place) => write!(
                f,
                "{place}, which set variables for the agent's commands, is left out: it held a secret that is not here. The hook that wrote it can write it again."
            ),
            Warning::FoldersNotAdded(folders) => {
                write!(f, "Folders that had been added to the session are not added here: {}.", folders.join(", "))
            }
            Warning::RanInBackground => f.write_str(
                "The session ran in the background (`--bg`); it goes on in the foreground, and its job is not restored.",
            ),
            Warning::MemoryComes(files) => write!(
                f,
                "Notes of the project's memory that are missing here are added ({files}); none that is here is changed."
            ),
            Warning::TasksStay(numbers) => {
                write!(f, "tasks of the merge that were changed since stay: {}", numbers.join(", "))
            }
            Warning::TasksNotAgain(number) => {
                write!(f, "{number} tasks of the merge are not added again: the snapshot that they are from is gone")
            }
            Warning::MergedBaseGone => f.write_str(
                "The snapshot of that line that was merged here last is gone. The merge starts from an older state, so edits that were merged since then may be in conflict.",
            ),
            Warning::MergedAcrossGap(id) => write!(
                f,
                "The merged line goes on from the snapshot {id}, which is not here. Without it, the merge starts from an older state than what was merged here last: what one of you took back since may come again, and what both have since may be in conflict. `snap pull` gets it once whoever saved it has typed `snap push REMOTE {id}`."
            ),
            Warning::MergedWithoutBase(id) => write!(
                f,
                "The merged line began from the snapshot {id}, which is not here. Edits that both sides have from it may be in conflict: `snap pull` gets it, if a remote has it."
            ),
            Warning::NoSessionForTasks(number) => {
                write!(f, "{number} open tasks are only in the report: there is no session here to add them to")
            }
            Warning::MoreTasks(number) => {
                write!(f, "{number} more open tasks are not added; `snap show` of the snapshot lists them")
            }
            Warning::ConversationStays => {
                f.write_str("The conversation that was resumed stays: a transcript is never removed.")
            }
            Warning::BranchMovedSince(name) => write!(f, "{name} has moved since, and stays where it is."),
            Warning::HeadMoved { then, now } => {
                write!(f, "HEAD was at {then} and is at {now} now: commits are not changed.")
            }
            Warning::HooksGo(path) => write!(
                f,
                "{path} goes back to before `snap init`: its hooks are no longer in it. `snap init` sets them up again."
            ),
            Warning::HeadStays { here, then, moves } => {
                write!(f, "HEAD stays at {here}; this was saved at {then}. git shows what differs as pending.")?;
                moves.as_deref().map_or(Ok(()), |what| write!(f, " `--reset-branch` moves {what} back."))
            }
            Warning::ShownAsStaged(paths) => write!(
                f,
                "The index goes back too. Compared with the commits made since, git will show as staged: {}.",
                paths.join(", ")
            ),
            Warning::MoreShownAsStaged(more) => write!(f, "{more} more paths will also show as staged."),
            Warning::HeadElsewhere { here, base, others } => {
                let same = "the edited files are the same in both";
                write!(f, "HEAD is at {here}, the snapshot was made on {base}: {same}.")?;
                match others.as_deref() {
                    None => write!(f, " {base} is not here, so it can't be told which other files differ."),
                    Some([]) => Ok(()),
                    Some([one]) => write!(f, " Another file differs between the two: {one}."),
                    Some(all) => {
                        write!(f, " {} other files differ between the two: {}", all.len(), some_of(all))?;
                        f.write_str(if all.len() > MOST_NAMED { "" } else { "." })
                    }
                }
            }
            Warning::BothChanged(path) => write!(f, "Both sides changed {path}: it gets conflict markers."),
            Warning::NotMerged(path) => write!(
                f,
                "Both sides changed {path}, and it is no text: the version here stays; the saved one is in the index (`git checkout --theirs` takes it)."
            ),
            Warning::OfOneSide(path) => {
                write!(f, "{path} is from one side only: the other side has something of another kind there, such as a link or a folder.")
            }
            Warning::RenamedTwice(path) => write!(
                f,
                "Each side renamed {path} to another name: both new files stay; `git rm` the one that is not wanted."
            ),
            Warning::MovedWithFolder(old, new) => {
                write!(f, "{old} goes to {new}: one side renamed its folder, and the other one made the file.")
            }
            Warning::ChangedAndRemoved(path) => write!(
                f,
                "One side changed {path} and the other one removed it: the changed version stays, without conflict markers."
            ),
            Warning::MergedOntoHead => {
                f.write_str("HEAD is not at the snapshot's base: its edits were merged onto it.")
            }
            Warning::InsideRepository { paths, folder } => write!(
                f,
                "{} {} in a repository of its own, {folder}: `git status` shows the change only there. `snap undo` takes it back.",
                some_of(paths),
                if paths.len() == 1 { "is" } else { "are" }
            ),
            Warning::MergedAsText { path, driver } => write!(
                f,
                "{path} is merged as text: only this repository's own configuration has the merge driver {driver}, and that is not run."
            ),
            Warning::StagedDisagrees(path) => write!(
                f,
                "The staged version of {path} disagrees with what is here: the index has both, as stages \
                 of a conflict."
            ),
            Warning::OtherSparsePatterns(command) => write!(
                f,
                "The sparse checkout had other patterns when this was saved. The files and their marks \
                 come back, but the patterns don't. Set them yourself, or the next `git sparse-checkout \
                 reapply`, `checkout` or `pull` follows the present ones: {command}"
            ),
            Warning::NoRoomInIndex { path, other } => write!(
                f,
                "{path} is not staged as it was: {other} is staged here, and git's index can't hold both."
            ),
        }
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
