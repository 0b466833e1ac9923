//! `snap log --remote`: what all did who share through a remote, and whether a log there is whole.

use serde_json::Value;

use crate::base::columns::{padded, wide};
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::base::timestamp::age;
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::paged;
use crate::cli::output::{Style, Text, Ui, text};
use crate::context::Context;
use crate::space::{self, AuditLine};
use crate::workspace::Workspace;

/// Prints the logs of all, the newest first.
///
/// # Errors
/// [`Kind::Damaged`] at the end if one of them is not whole.
pub(super) fn of_all(
    context: &Context,
    workspace: &Workspace,
    (remote, most): (&str, Option<usize>),
    ui: &mut Ui,
) -> Result<Outcome> {
    let home = space::home_of(workspace)?;
    let remote = if remote.is_empty() { space::usual_remote(context, &home) } else { remote.to_owned() };
    let mut tell = |text: &str| ui.warn(text);
    let (shown, history) = space::history(context, workspace, (&home, &remote), &mut tell)?;
    let lines: Vec<&AuditLine> = history.lines.iter().rev().take(most.unwrap_or(usize::MAX)).collect();
    if ui.json() {
        for line in lines {
            let mut all = line.all.clone();
            all.insert("chain".to_owned(), Value::String(line.chain.clone()));
            all.insert("number".to_owned(), Value::from(line.number));
            ui.print_json_line(&all)?;
        }
    } else if lines.is_empty() {
        ui.say(&format!("Nobody has a log on {shown}: `{}` begins one.", space::join_command(&remote)));
    } else {
        table(context, &lines, ui)?;
    }
    if history.wrong.is_empty() {
        return Ok(Outcome::Done);
    }
    Err(Error::new(Kind::Damaged, format!("Not all logs on {shown} are whole"))
        .list(history.wrong)
        .hint("compare with whoever wrote them: each machine keeps its own, `snap log` shows it"))
}

fn table(context: &Context, lines: &[&AuditLine], ui: &mut Ui) -> Result<()> {
    let cells = |line: &&AuditLine| {
        let id = line.text("snapshot");
        let words = [line.text("name"), line.text("message"), line.text("reason")];
        let failed = line.text("outcome");
        let words: Vec<String> = words.into_iter().chain([failed]).filter(|text| !text.is_empty()).collect();
        let session = line.text("session");
        [
            line.operation.clone(),
            age(context.now.since(line.at)),
            Line(line.chain.split('/').next().unwrap_or_default()).to_string(),
            if id.is_empty() { "-".to_owned() } else { id.chars().take(8).collect() },
            if session.is_empty() { "-".to_owned() } else { session.chars().take(8).collect() },
            words.join("  "),
        ]
    };
    let rows: Vec<[String; 6]> = lines.iter().map(cells).collect();
    let width = |column: usize| rows.iter().map(|row| wide(&row[column])).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| -> Text {
        let rest: Vec<String> =
            row.iter().zip(widths).skip(1).map(|(cell, width)| padded(cell, width)).collect();
        text![Style::Strong.of(padded(&row[0], widths[0])), "  ", rest.join("  ").trim_end()]
    };
    paged(ui, &rows.iter().map(line).collect::<Vec<Text>>())
}
