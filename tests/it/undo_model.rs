//! A history of `rewind`, `undo` and `redo`, made at random: it is a list with a cursor, as in an editor.

use proptest::prelude::*;

use crate::support::Must;
use crate::support::project::Project;

/// What the file may be, and what the snapshot of each name has.
const TEXTS: [&str; 3] = ["one\n", "two\n", "three\n"];

/// One thing that somebody does to the file of the random model.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Rewind(&'static str),
    Edit(&'static str),
    Undo,
    Redo,
}

/// What a restore changed: the file before it and after it, as far as a step has gone there. `None` changed nothing.
type Changed = Option<(Option<&'static str>, Option<&'static str>)>;

/// A history as in an editor: a list with a cursor.
#[derive(Debug)]
struct Editor {
    file: &'static str,
    list: Vec<Changed>,
    cursor: usize,
}

impl Editor {
    /// Does it, and returns whether the program can.
    fn does(&mut self, deed: Deed) -> bool {
        match deed {
            Deed::Edit(text) => self.file = text,
            Deed::Rewind(text) if text == self.file => {
                self.list.insert(self.cursor, None);
                self.cursor += 1;
            }
            Deed::Rewind(text) => {
                self.list.truncate(self.cursor);
                self.list.push(Some((Some(self.file), None)));
                self.cursor += 1;
                self.file = text;
            }
            Deed::Undo => {
                let Some(at) = self.list[..self.cursor].iter().rposition(Option::is_some) else {
                    return false;
                };
                self.cursor = at;
                let Some((before, after)) = &mut self.list[at] else { return false };
                if before.is_some_and(|before| before != self.file) {
                    *after = Some(std::mem::replace(&mut self.file, before.must("a side")));
                }
            }
            Deed::Redo => {
                let Some(on) = self.list[self.cursor..].iter().position(Option::is_some) else {
                    return false;
                };
                let at = self.cursor + on;
                self.cursor = at + 1;
                let Some((before, after)) = &mut self.list[at] else { return false };
                if after.is_some_and(|after| after != self.file) {
                    *before = Some(std::mem::replace(&mut self.file, after.must("a side")));
                }
            }
        }
        true
    }
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let text = prop::sample::select(TEXTS.to_vec());
    let deed = prop_oneof![
        3 => text.clone().prop_map(Deed::Rewind),
        2 => text.prop_map(Deed::Edit),
        5 => Just(Deed::Undo),
        4 => Just(Deed::Redo),
    ];
    prop::collection::vec(deed, 6..16)
}

proptest! {
    // Each case has a project, and runs the program some fifteen times.
    #![proptest_config(ProptestConfig {
        cases: std::env::var("SNAP_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12),
        max_shrink_iters: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn undo_and_redo_go_where_an_editor_would(deeds in deeds()) {
        let project = Project::new();
        for text in TEXTS {
            project.write("a.txt", text);
            project.snap(&["save", text.trim_end()]).exits(0);
        }
        let mut editor = Editor { file: TEXTS[2], list: Vec::new(), cursor: 0 };
        for deed in deeds {
            let can = editor.does(deed);
            match deed {
                Deed::Edit(text) => project.write("a.txt", text),
                Deed::Rewind(text) => drop(project.snap(&["rewind", text.trim_end(), "--no-run"]).exits(0)),
                Deed::Undo => drop(project.snap(&["undo"]).exits(if can { 0 } else { 3 })),
                Deed::Redo => drop(project.snap(&["redo"]).exits(if can { 0 } else { 3 })),
            }
            let file = String::from_utf8(project.read("a.txt")).must("UTF-8");
            prop_assert_eq!(file, editor.file, "after {:?}: {:?}", deed, editor);
        }
    }
}
