//! `snap list --tree`: which snapshot was saved after which.

use super::choice::Wanted;
use super::table::digits;
use crate::base::error::Result;
use crate::base::screen::{Line, cut};
use crate::cli::output::line_words::marks;
use crate::cli::output::paged::paged;
use crate::cli::output::snapshot_tree::{self, Hidden, Node, Row};
use crate::cli::output::{Ui, pager};
use crate::context::Context;
use crate::store::{Ancestry, LineStates, Listed, Saved, Summaries};

/// The most characters of a name.
const LONGEST_NAME: usize = 60;

/// Draws the readable snapshots that are wanted, newest first as in the list: each stands right above its parent, or
/// above what else was saved after that; `oldest_first` turns it over. Lines lead through those that are not wanted. Says whether there was one to draw.
pub(super) fn draw(
    context: &Context,
    ui: &mut Ui,
    wanted: &Wanted<'_>,
    all: &Summaries,
    states: &LineStates,
    oldest_first: bool,
) -> Result<bool> {
    // A safety snapshot holds what was overwritten: it is no step of anybody's work.
    let is_wanted = |(one, saved): &(Listed<'_>, Saved<'_>)| {
        (wanted.all || !saved.head.safety) && wanted.fits(*one, *saved)
    };
    let readable = all.iter().filter_map(|one| Some((one, one.readable()?)));
    let (mut newest_first, mut others): (Vec<(Listed<'_>, Saved<'_>)>, Vec<_>) =
        readable.partition(is_wanted);
    let older = newest_first.split_off(wanted.most.unwrap_or(usize::MAX).min(newest_first.len()));
    let cut_off = older.len();
    others.extend(older);
    if newest_first.is_empty() {
        return Ok(false);
    }
    let removed = all.removed().iter().map(|(id, parent)| (id, Some(parent)));
    let others = others.iter().map(|(_, saved)| (&saved.head.id, saved.parent));
    let hidden: Hidden<'_> = removed.chain(others).collect();
    let nodes: Vec<Node<'_>> = newest_first.iter().map(|(_, saved)| node(*saved)).collect();
    let ids: Vec<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    let digits = digits(&ids);
    let went_on = Ancestry::went_on(all);
    let row = |number: usize| {
        let (one, Saved { head, .. }) = newest_first[number];
        Row {
            id: head.id.as_str().chars().take(digits).collect(),
            age: head.created_at.age(context.now),
            name: format!(
                "{}{}{}",
                cut(one.called, LONGEST_NAME),
                if head.safety { " (safety)" } else { "" },
                states
                    .get(&head.id)
                    .map(|state| marks(state, went_on.contains(&head.id)))
                    .unwrap_or_default()
            ),
            by: format!("{}@{}", Line(&head.created_by.user), Line(&head.created_by.host)),
        }
    };
    let screen = if ui.shows_on_terminal() { pager::screen_width() } else { usize::MAX };
    let drawn = snapshot_tree::draw(&nodes, &hidden);
    let drawn = if oldest_first { snapshot_tree::turned_over(drawn) } else { drawn };
    paged(ui, &snapshot_tree::lines(&drawn, row, screen))?;
    if cut_off > 0 {
        let (shown, all) = (nodes.len(), nodes.len() + cut_off);
        ui.say(&format!("{shown} of {all} snapshots; {cut_off} older"));
    }
    Ok(true)
}

fn node(saved: Saved<'_>) -> Node<'_> {
    Node { id: &saved.head.id, parent: saved.parent, at: saved.head.created_at }
}
