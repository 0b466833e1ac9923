//! What a slow program prints is seen at once: through the pager, in a pipe, as a filter.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::pager::unpainted;
use crate::support::Must;
use crate::support::project::Project;

const FORMS: [&[&str]; 4] =
    [&[], &["--color-only"], &["--color=always"], &["--color=always", "--theme=dark"]];

const DIFF: &str = "diff --git a/f.rs b/f.rs\n--- a/f.rs\n+++ b/f.rs\n@@ -1,3 +1,3 @@\n fn f() {\n-    a();\n+    b();\n }\n";

/// `snap diff -`, whose input is written and whose output is read line by line.
struct Live {
    snap: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Live {
    fn start(project: &Project, form: &[&str]) -> Live {
        let mut command = project.command(project.root(), &[&["diff", "-"], form].concat());
        let mut snap = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().must("snap");
        let mut output = BufReader::new(snap.stdout.take().must("an output"));
        let (send, lines) = channel();
        thread::spawn(move || {
            let mut line = String::new();
            while output.read_line(&mut line).is_ok_and(|read| read > 0)
                && send.send(std::mem::take(&mut line)).is_ok()
            {}
        });
        let input = snap.stdin.take();
        Live { snap, input, lines }
    }

    fn write(&mut self, text: &str) {
        self.input.as_mut().must("an input").write_all(text.as_bytes()).must("written");
    }

    /// The next line, without its colours. A line that is held back never comes.
    fn line(&self) -> String {
        unpainted(&self.lines.recv_timeout(Duration::from_secs(60)).must("a line that was not held back"))
    }

    /// Ends the input; returns what is left.
    fn rest(mut self) -> String {
        self.input = None;
        assert!(self.snap.wait().must("an end").success());
        unpainted(&self.lines.iter().collect::<String>())
    }
}

#[test]
fn each_line_of_text_comes_out_before_the_next_one_is_there() {
    let project = Project::new();
    for form in FORMS {
        let mut live = Live::start(&project, form);
        for number in 0..5 {
            live.write(&format!("commit {number}\n"));
            assert_eq!(live.line(), format!("commit {number}\n"), "{form:?}");
        }
        // Behind a diff too.
        live.write(DIFF);
        live.write("commit last\n");
        while live.line() != "commit last\n" {}
        live.write("no end");
        // On a screen every line has an end.
        let ended = if form.contains(&"--color=always") { "no end\n" } else { "no end" };
        assert_eq!(live.rest(), ended, "{form:?}");
    }
}

#[test]
fn a_hunk_is_seen_as_soon_as_the_next_line_says_that_it_is_whole() {
    let project = Project::new();
    for form in FORMS {
        let mut live = Live::start(&project, form);
        for _ in 0..3 {
            live.write(DIFF);
            // The last line waits: it may lack its end.
            while !live.line().contains("+    b();") {}
        }
        assert!(live.rest().ends_with(" }\n"), "{form:?}");
    }
}
