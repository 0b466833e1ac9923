//! `snap list`, here and on a remote.

mod choice;
mod remote;
mod row;
mod table;
mod tree;

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;

use crate::base::columns::wrapped;
use crate::base::error::Result;
use crate::base::screen;
use crate::base::timestamp::{Timestamp, age, parse_span};
use crate::cli::completion::{remotes, saved_sessions};
use crate::cli::help::examples;
use crate::cli::option_values::parse_number;
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::paged;
use crate::cli::output::snapshot_words::trash;
use crate::cli::output::words::{count, quoted, size_text};
use crate::cli::output::{Style, Text, Ui, pager};
use crate::cli::program_name::in_words;
use crate::cli::remotes::with_remote;
use crate::cli::session_choice;
use crate::cli::ways::comes_back;
use crate::context::Context;
use crate::restore;
use crate::space;
use crate::store::{Ancestry, LineStates, Saved, Space, Store, Summaries, Trashed};
use crate::workspace::Workspace;
use choice::{Chosen, Item, Wanted};
use remote::RemoteList;
use row::{ForPrograms, Snapshot};
use table::Line;
pub(crate) use table::digits;

/// Of more snapshots, it is not measured what they take: each of them would have to be read for that.
const MOST_MEASURED: usize = 200;

/// List the snapshots, newest first
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap list", "Those that you made, and the newest of all"),
    ("snap list parser --since 7d", "Those of the last week about the parser"),
    ("snap list --here -n 5", "The five newest of this work tree"),
    ("snap list --tree", "Draw which snapshot was saved after which"),
    ("snap list --remote", "List the snapshots on the git remote origin"),
]))]
pub(crate) struct List {
    /// Only snapshots with all of these words in name, message, branch, title, first or last prompt, or last answer; of those on
    /// a remote, in the name or in who saved it
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// Also list safety snapshots, and each automatic one by itself; `--json` always does, and says `hidden` of these
    #[arg(short, long, conflicts_with = "remote")]
    all: bool,
    /// List at most N
    #[arg(short = 'n', value_name = "N", value_parser = parse_number, conflicts_with = "remote")]
    most: Option<usize>,
    /// Only snapshots of this session: its id, or the start of it
    #[arg(long, value_name = "ID", conflicts_with = "remote", add = saved_sessions())]
    session: Option<String>,
    /// Only snapshots of this work tree
    #[arg(long, conflicts_with = "remote")]
    here: bool,
    /// Only snapshots that are not older than AGE, such as 7d or 36h
    #[arg(long, value_name = "AGE", value_parser = parse_span, conflicts_with = "remote")]
    since: Option<Duration>,
    /// List the oldest first
    #[arg(long, conflicts_with = "remote")]
    reverse: bool,
    /// Fit the list into so many columns
    #[arg(long, value_name = "N", hide = true)]
    columns: Option<usize>,
    /// List the snapshots on a git remote (by default origin) instead of those here
    #[arg(long, value_name = "REMOTE", num_args = 0..=1, default_missing_value = "origin", add = remotes())]
    remote: Option<String>,
    /// Draw which snapshot was saved after which
    #[arg(long, conflicts_with = "remote")]
    tree: bool,
}

impl List {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if let Some(remote) = &self.remote {
            let (shown, mut listed) = with_remote(context, workspace, ui, remote, |remote| remote.list())?;
            let all = listed.len();
            listed.retain(|one| remote::has_words(one, &self.words));
            if listed.is_empty() && all > 0 && !ui.json() {
                ui.say(&format!("None of {} on {shown} matches.", count(all, "snapshot")));
                return Ok(Outcome::Done);
            }
            ui.report(&RemoteList::new(&shown, &listed, context.now))?;
            return Ok(Outcome::Done);
        }
        let all = workspace.store.summaries()?;
        let states = space::line_states_of_all(context, workspace);
        let wanted = self.wanted(context, workspace);
        if self.tree && !ui.json() && tree::draw(context, ui, &wanted, &all, &states, self.reverse)? {
            return Ok(Outcome::Done);
        }
        if ui.json() {
            let rows = rows_for_programs(context, workspace, &wanted, &all, &states);
            ui.print_json(&if self.reverse { rows.into_iter().rev().collect() } else { rows })?;
            return Ok(Outcome::partial_if(all.iter().any(|one| one.saved.is_err())));
        }
        let chosen = wanted.choose(all.iter());
        if chosen.items.is_empty() && chosen.older == 0 {
            let can_save = || session_choice::is_project(context, workspace);
            let trash = in_trash_only(&workspace.store)?;
            ui.say(&nothing(&wanted, &chosen, (all.iter().count(), trash.len()), can_save));
            if !trash.is_empty() && (self.all || !wanted.is_filter()) {
                ui.say(&in_trash(workspace, &trash));
            }
        } else {
            self.print(context, workspace, &all, &chosen, &states, ui)?;
        }
        for aside in workspace.store.manifests_aside()? {
            ui.warn(&format!("{}: {}; {}", quoted(&aside.name), aside.told(), aside.mend()));
        }
        if all.is_empty() {
            return Ok(Outcome::Done);
        }
        if let lost @ 1.. = workspace.store.lost_names()? {
            let what = count(lost, "snapshot");
            ui.warn(&format!(
                "the files of {what} were removed, as by `git clean -x`; the next save brings them back"
            ));
        }
        let damaged = all.iter().filter_map(|one| one.saved.err());
        let number = damaged.map(|error| ui.error(error)).count();
        Ok(Outcome::partial_if(number > 0))
    }

    fn wanted(&self, context: &Context, workspace: &Workspace) -> Wanted<'_> {
        let ago = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let since = |span| Timestamp::from_millis(context.now.as_millis().saturating_sub(ago(span)));
        Wanted {
            all: self.all,
            most: self.most,
            session: self.session.as_deref(),
            root: self.here.then(|| workspace.root.as_path().into()),
            since: self.since.map(since),
            words: self.words.clone(),
        }
    }

    fn print(
        &self,
        context: &Context,
        workspace: &Workspace,
        all: &Summaries,
        chosen: &Chosen<'_>,
        states: &LineStates,
        ui: &mut Ui,
    ) -> Result<()> {
        let store = &workspace.store;
        let ids: Vec<&str> = all.iter().filter_map(|one| Some(one.readable()?.head.id.as_str())).collect();
        let digits = table::digits(&ids);
        let screen = self.columns.or_else(|| ui.shows_on_terminal().then(pager::screen_width));
        let has_room = screen.is_none_or(|screen| screen >= row::ROOM_FOR_SIZES);
        let tells = ui.shows_on_terminal() || chosen.safety + chosen.automatic + chosen.older > 0;
        // What there is takes a look at each object, and so does what is not there.
        let space = (all.iter().count() <= MOST_MEASURED).then(|| store.space()).transpose()?;
        let lacking = space.as_ref().map_or(&[][..], |space| &space.lacking);
        let mut footer = if tells { footer(store, space.as_ref(), chosen)? } else { String::new() };
        let went_on = Ancestry::went_on(all);
        let line = |item: &Item<'_>| match item {
            Item::One(one, saved) => {
                let mut row = Snapshot::of(context, store, *one, *saved, (states, &went_on)).row(digits);
                if lacking.contains(&one.known.stem) {
                    row.marks.push_str(" (content missing)");
                }
                if !has_room {
                    row.facts[table::FACTS.len() - 1].clear();
                }
                Line::Snapshot(Box::new(row))
            }
            Item::Automatic(group) => Line::Note(folded(context, group)),
        };
        let mut lines: Vec<Line> = chosen.items.iter().map(line).collect();
        if self.reverse {
            lines.reverse();
        }
        let mut shown = if lines.is_empty() { Vec::new() } else { table::lines(&lines, screen) };
        let trash = if self.all { in_trash_only(store)? } else { Vec::new() };
        if !trash.is_empty() {
            let before = if footer.is_empty() { String::new() } else { format!("{footer}. ") };
            footer = before + &in_trash(workspace, &trash);
        }
        if ui.is_quiet() {
            footer.clear();
        }
        if ui.shows_on_terminal() {
            if !shown.is_empty() && !footer.is_empty() {
                shown.push(Text::default());
            }
            let room = screen.unwrap_or(usize::MAX);
            shown.extend(wrapped(&in_words(&footer), room).into_iter().map(|line| Style::Faint.of(line)));
            return paged(ui, &shown);
        }
        shown.into_iter().try_for_each(|line| ui.line(line))?;
        if !footer.is_empty() {
            ui.say(&footer);
        }
        Ok(())
    }
}

/// Says how many snapshots there are and what they take, as far as that is known at once.
fn footer(store: &Store, space: Option<&Space>, chosen: &Chosen<'_>) -> Result<String> {
    let Some(space) = space else {
        let trash = match store.number_in_trash()? {
            0 => String::new(),
            number => format!("; {} in the trash", count(number, "snapshot")),
        };
        return Ok(format!("{}{trash}", chosen.footer(None)));
    };
    let footer = chosen.footer(Some(&size_text(space.bytes)));
    Ok(trash(space.trash).map_or_else(|| footer.clone(), |trash| format!("{footer}; {trash}")))
}

/// Says how many automatic snapshots there are in the place of a line, and of when.
fn folded(context: &Context, group: &[Saved<'_>]) -> String {
    let mut ages = group.iter().map(|saved| age(context.now.since(saved.head.created_at)));
    let newest = ages.next().unwrap_or_default();
    match ages.next_back() {
        Some(oldest) if oldest != newest => format!("… {} automatic, {newest} to {oldest} old", group.len()),
        _ => format!("… {} automatic, {newest} old", group.len()),
    }
}

/// Lists what is in the trash and nowhere else: a copy of it may have come since.
fn in_trash_only(store: &Store) -> Result<Vec<Trashed>> {
    let mut trash = store.all_in_trash()?;
    if !trash.is_empty() {
        let here = store.names()?;
        trash.retain(|one| one.id.as_ref().is_none_or(|id| !here.contains_key(id)));
    }
    Ok(trash)
}

/// How many names are given of what is in the trash in one way.
const MOST_NAMED: usize = 8;

/// Names what is in the trash.
fn in_trash(workspace: &Workspace, trash: &[Trashed]) -> String {
    let mut ways: Vec<(Option<String>, Vec<String>)> = Vec::new();
    for Trashed { name, batch, .. } in trash {
        let back = restore::way_back(workspace, batch).ok().flatten();
        let (way, name) = (back.as_ref().map(comes_back), quoted(&screen::Line(name).to_string()));
        match ways.iter_mut().find(|(other, _)| *other == way) {
            Some((_, names)) => names.push(name),
            None => ways.push((way, vec![name])),
        }
    }
    let told = ways.iter().enumerate().map(|(number, (way, names))| {
        let back = way.as_ref().map(|back| format!("; {back}")).unwrap_or_default();
        let more = names.len().saturating_sub(MOST_NAMED);
        let names = names.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let where_from = if number == 0 { "In the trash" } else { "Also there" };
        format!("{where_from}: {names}{more}{back}.")
    });
    told.collect::<Vec<_>>().join(" ")
}

/// Says why there is nothing to list.
fn nothing(
    wanted: &Wanted<'_>,
    chosen: &Chosen<'_>,
    (entries, in_trash): (usize, usize),
    can_save: impl Fn() -> bool,
) -> String {
    if wanted.is_filter() && chosen.there > 0 {
        let all = count(chosen.there - chosen.put_aside, "snapshot");
        let where_looked = if wanted.words.is_empty() {
            String::new()
        } else {
            " Words are looked for in names, messages, branches and titles, and in the first and the last prompt and the last answer."
                .to_owned()
        };
        let aside = count(chosen.put_aside, "safety snapshot");
        return match (chosen.safety, chosen.put_aside) {
            (0, 0) => format!("None of {all} matches; `snap list` shows them.{where_looked}"),
            (0, _) => {
                format!("None of {all} matches, and none of {aside}; `snap list -a` shows all.{where_looked}")
            }
            (found, _) => format!(
                "None of {all} matches, only {}: -a lists those too.{where_looked}",
                count(found, "safety snapshot")
            ),
        };
    }
    match chosen.safety {
        0 if entries > 0 => "There is no snapshot that can be read.".to_owned(),
        0 if in_trash > 0 => "There is no snapshot here.".to_owned(),
        0 if can_save() => "There is no snapshot yet; `snap save NAME` makes one.".to_owned(),
        0 => "There is no snapshot here and nothing to save: this is no git repository, and no session was found."
            .to_owned(),
        safety => format!(
            "There is no snapshot but {}, made before something was overwritten; `snap list -a` shows them.",
            count(safety, "safety snapshot")
        ),
    }
}

/// Returns all that fit what was asked for: a program sees for itself which are automatic.
fn rows_for_programs<'a>(
    context: &Context,
    workspace: &Workspace,
    wanted: &Wanted<'_>,
    all: &'a Summaries,
    states: &'a LineStates,
) -> Vec<ForPrograms<'a>> {
    let everything = Wanted {
        all: true,
        most: wanted.most,
        session: wanted.session,
        root: wanted.root.clone(),
        since: wanted.since,
        words: wanted.words.clone(),
    };
    let chosen = everything.choose(all.iter());
    let usual = Wanted::default().choose(all.iter());
    let by_itself = |item: &Item<'a>| match item {
        Item::One(one, _) => Some(one.known.stem.as_str()),
        Item::Automatic(_) => None,
    };
    let by_itself: BTreeSet<&str> = usual.items.iter().filter_map(by_itself).collect();
    let went_on = Ancestry::went_on(all);
    let row = |item: &Item<'a>| match item {
        Item::One(one, saved) => {
            let mut snapshot = Snapshot::of(context, &workspace.store, *one, *saved, (states, &went_on));
            snapshot.hidden = !by_itself.contains(one.known.stem.as_str());
            Some(ForPrograms::Snapshot(Box::new(snapshot)))
        }
        Item::Automatic(_) => None,
    };
    let readable: Vec<ForPrograms<'a>> = chosen.items.iter().filter_map(row).collect();
    let damaged = all.iter().filter_map(|one| {
        let error = one.saved.err()?;
        Some(ForPrograms::Damaged { name: &one.known.stem, error: error.to_string() })
    });
    readable.into_iter().chain(damaged).collect()
}
