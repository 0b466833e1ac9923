//! Everything that is printed, for a person or for another program: the terminal, styled text, the pager,
//! the progress bar.

pub(crate) mod agent_tree;
pub(crate) mod edit_rows;
pub(crate) mod line_words;
pub(crate) mod paged;
pub(crate) mod pager;
pub(crate) mod progress_bar;
pub(crate) mod snapshot_tree;
pub(crate) mod snapshot_words;
mod text;
mod ui;
pub(crate) mod words;

pub(crate) use text::{Style, Text, text};
pub(crate) use ui::{ColorChoice, NO, Report, Ui, YES, chosen, is_dumb, output_error};
