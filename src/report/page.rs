//! A report as one HTML file: the static part, the index, the program of the page, and the chunks.
//!
//! Nothing of a snapshot is ever script or style: both are named in the page's policy by their hashes. The file loads
//! nothing. The same snapshot in the same store makes the same bytes.

use data_encoding::BASE64;

use super::chunks::{Packed, Spool};
use super::head;
use super::html;
use super::index::{DecisionEntry, EditEntry, Index, Indexed, Live, PAGE_FORMAT};
use super::overview::Overview;
use crate::base::digest::{from_hex, sha256};
use crate::base::error::{Error, Kind, Result};

/// The program of a page, in the order of its parts.
const APP: &[&str] = &[
    include_str!("page/dom.js"),
    include_str!("page/data.js"),
    include_str!("page/search.js"),
    include_str!("page/markdown.js"),
    include_str!("page/diff.js"),
    include_str!("page/scroll.js"),
    include_str!("page/turn.js"),
    include_str!("page/thread.js"),
    include_str!("page/edits.js"),
    include_str!("page/find.js"),
    include_str!("page/overview.js"),
    include_str!("page/timeline.js"),
    include_str!("page/replay.js"),
    include_str!("page/app.js"),
];

/// The line by which a page is known.
pub(super) const GENERATOR: &str = "<meta name=\"generator\" content=\"snap report\">";

/// How the line of each chunk begins.
pub(super) const CHUNK_LINE: &str = "<script type=\"text/plain\" id=\"c";

/// How the line of the index begins: it differs between any two pages.
pub(super) const INDEX_LINE: &str = "<script type=\"application/json\" id=\"index\">";

/// How a page looks.
const STYLE: &str = include_str!("page/style.css");

/// A page that is ready to be written.
pub struct Page {
    /// What is said at a glance.
    pub(super) overview: Overview,
    /// What the index says of conversations.
    pub(super) indexed: Indexed,
    /// The edits.
    pub(super) edits: Vec<EditEntry>,
    /// How many bytes of text each chunk has.
    pub(super) sizes: Vec<u64>,
    /// What the page does not hold.
    pub left_out: Vec<String>,
    /// Whether calls were left out, or what they were given.
    pub(super) calls_left_out: bool,
    /// How it follows a session, if that runs.
    pub live: Option<Live>,
    /// The chunks, in order, and where they are.
    pub(super) packed: Vec<Packed>,
    /// Where they are.
    pub(super) spool: Spool,
}

impl Page {
    /// Writes it.
    ///
    /// # Errors
    /// Whatever writing gives; [`Kind::Environment`] if what was put aside can't be read.
    pub fn write(&mut self, write: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let app = APP.join("\n");
        let policy = policy(&app, self.live.is_some())?;
        let agents = self.indexed.link_agents();
        let (overview, indexed) = (&self.overview, &self.indexed);
        let title = html::text(&overview.title);
        write(
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{GENERATOR}\n\
                 <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
                 <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
                 <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
                 <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
            )
            .as_bytes(),
        )?;
        write(head::html(overview, &self.edits, indexed.own_prompts(), &self.left_out).as_bytes())?;
        let index = Index {
            format: PAGE_FORMAT,
            title: &overview.title,
            name: &overview.about.name,
            between: overview.after.as_ref().map(|after| [after.name.as_str(), &overview.about.name]),
            about: head::about(overview),
            left_out: &self.left_out,
            strings: &indexed.strings,
            chunks: &self.sizes,
            threads: &indexed.threads,
            items: &indexed.columns,
            failed: &indexed.failed,
            open: &indexed.open,
            emptied: &indexed.emptied,
            colors: &indexed.colors,
            agents,
            calls_left_out: self.calls_left_out,
            prompts: &indexed.prompts,
            edits: &self.edits,
            tasks: indexed.moved(&overview.tasks),
            grants: &overview.grants,
            decisions: &self.decisions(),
            not_saved: &overview.not_saved,
            checkpoints: overview
                .checkpoints
                .iter()
                .map(|one| (one.name.as_str(), one.saved.as_millis()))
                .collect(),
            size: indexed.charts(),
            live: self.live.as_ref(),
        };
        let json = serde_json::to_string(&index).map_err(|error| {
            Error::new(Kind::Bug, "The index of the page can't be written").because(error)
        })?;
        write(INDEX_LINE.as_bytes())?;
        write(html::json_in_script(&json).as_bytes())?;
        write(format!("</script>\n<script>{app}</script>\n").as_bytes())?;
        for (number, packed) in self.packed.iter().enumerate() {
            write(format!("<script type=\"text/plain\" id=\"c{number}\">").as_bytes())?;
            self.spool.write(*packed, write)?;
            write(b"</script>\n")?;
        }
        write(b"<script type=\"text/plain\" id=\"end\">ok</script>\n</body>\n</html>\n")
    }

    /// Returns the decisions that calls tell, and those that only the snapshot itself knows of.
    fn decisions(&self) -> Vec<DecisionEntry> {
        let told = &self.indexed.decisions;
        let is_told = |text: &str, time| {
            told.iter().any(|entry| entry.decided.text == text && entry.decided.time == time)
        };
        let known = self.overview.decisions.iter().filter(|one| !is_told(&one.text, one.time));
        let known = known.map(|decided| DecisionEntry { item: None, decided: decided.clone() });
        told.iter().cloned().chain(known).collect()
    }
}

/// Returns the policy under which a page runs: its own program and style, and nothing from anywhere.
fn policy(app: &str, live: bool) -> Result<String> {
    let hash = |text: &str| {
        let digest = from_hex(&sha256(text.as_bytes()));
        let digest = digest.ok_or_else(|| Error::new(Kind::Bug, "A hash of the page can't be read"))?;
        Ok::<_, Error>(format!("'sha256-{}'", BASE64.encode(&digest)))
    };
    // One that follows a session asks the server that it came from.
    let connect = if live { " connect-src 'self';" } else { "" };
    Ok(format!(
        "default-src 'none'; script-src {}; style-src {}; img-src blob:; worker-src blob:;{connect} base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'; trusted-types snap",
        hash(app)?,
        hash(STYLE)?
    ))
}
