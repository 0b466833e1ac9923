//! What belongs to the command line itself: completion scripts and manual pages.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::hooks::bin;
use crate::support::Must;
use crate::support::project::Project;

fn snap(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snap"));
    // No HOME: neither of these needs a folder of anybody's.
    let said = command.env_clear().args(arguments).output().must("snap");
    let text = |bytes| String::from_utf8(bytes).must("UTF-8");
    (said.status.code(), text(said.stdout), text(said.stderr))
}

#[test]
fn bash_completes_commands_options_and_the_names_of_snapshots() {
    let project = Project::new();
    for name in ["my first", "wip", "x;touch /tmp/ran"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    let asking = project.command(project.root(), &[]);
    let complete = |words: &[&str]| {
        let typed: String = words.iter().map(|word| format!(" {word}")).collect();
        let ask = format!(
            "\nCOMP_WORDS=({typed}); COMP_CWORD={}; COMP_TYPE=9; _clap_complete_snap snap {} x; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
            words.len() - 1,
            words.last().must("a word")
        );
        let script = project.snap(&["completions", "bash"]).exits(0).stdout + &ask;
        let mut bash = Command::new("bash");
        bash.args(["--norc", "--noprofile"]).current_dir(project.root()).env_clear();
        bash.envs(asking.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut path = bin(&project).into_os_string();
        path.push(":/usr/bin:/bin");
        bash.env("PATH", path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut bash = bash.spawn().must("bash");
        bash.stdin.take().must("its input").write_all(script.as_bytes()).must("written");
        let said = bash.wait_with_output().must("bash");
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    };
    assert_eq!(complete(&["snap", "rew"]), "rewind");
    assert_eq!(complete(&["snap", "diff", "--exit"]), "--exit-code");
    assert_eq!(complete(&["snap", "show", "w"]), "wip");
    assert_eq!(complete(&["snap", "show", "my"]), "my\\ first");
    assert_eq!(complete(&["snap", "rewind", "x"]), "x\\;touch\\ /tmp/ran");
    // What only the client calls is not offered.
    assert_eq!(complete(&["snap", "h"]), "help");
}

#[test]
fn every_shell_gets_a_script_and_an_unknown_one_a_list_of_those_there_are() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, script, _) = snap(&["completions", shell]);
        assert!(code == Some(0) && script.contains("SNAP_COMPLETE"), "{shell}");
    }
    let (code, _, said) = snap(&["completions", "tcsh"]);
    assert!(code == Some(2) && said.contains("fish"), "{said}");
}

/// The commands that help lists, but for itself.
fn commands() -> Vec<String> {
    let (code, help, _) = snap(&["help"]);
    assert_eq!(code, Some(0));
    let listed = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).must("a list");
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_help_with_its_own_options_first_and_examples_that_fit_a_terminal() {
    let commands = commands();
    assert!(commands.len() > 20, "{commands:?}");
    for command in &commands {
        let (code, help, _) = snap(&["help", command]);
        assert_eq!(code, Some(0), "{command}");
        let [own, global, examples] =
            ["\nOptions:\n", "\nGlobal options:\n", "\nExamples:\n"].map(|heading| help.find(heading));
        assert!(own.is_some() && own < global && global < examples, "{command}:\n{help}");
        let examples: Vec<&str> = help[examples.must("examples")..].lines().skip(2).collect();
        let is_one =
            |line: &&str| line.starts_with("  ") && line.contains("snap ") && line.chars().count() <= 80;
        assert!(examples.iter().all(is_one), "{command}: {examples:?}");
        assert_eq!(snap(&[command, "--help"]).1, help, "{command}");
    }
    let (code, _, said) = snap(&["help", "nothing"]);
    assert!(code == Some(2) && said.contains("unrecognized subcommand 'nothing'"), "{said}");
    let (code, _, said) = snap(&["help", "sav"]);
    assert!(code == Some(2) && said.contains("did you mean save?"), "{said}");
    let (code, _, said) = snap(&["log", "-n", "99999999999999999999"]);
    assert!(code == Some(2) && said.contains("is too large"), "{said}");
    let (code, _, said) = snap(&["sav"]);
    assert!(code == Some(2) && said.contains("'save'"), "{said}");
}

#[test]
fn colours_follow_the_usual_variables() {
    let help = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snap"));
        command.env_clear().envs(variables.iter().copied()).arg("help");
        String::from_utf8(command.output().must("snap").stdout).must("UTF-8").contains('\u{1b}')
    };
    // Standard output is no terminal here.
    assert!(!help(&[]));
    assert!(help(&[("CLICOLOR_FORCE", "1")]));
    assert!(!help(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn there_is_a_manual_page_for_snap_and_for_each_command_it_names() {
    let (code, page, _) = snap(&["man"]);
    assert!(code == Some(0) && page.contains(".TH snap 1") && page.contains(".SH \"EXIT CODES\""), "{page}");
    assert!(page.contains(".SH ENVIRONMENT") && page.contains("CLAUDE_CONFIG_DIR"), "{page}");
    assert!(page.contains(".SH FILES") && page.contains(".claude/snapshots/"), "{page}");
    let commands: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("snap\\-")?.strip_suffix("(1)")).collect();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let (code, page, _) = snap(&["man", command]);
        assert!(code == Some(0) && page.contains(&format!(".TH snap-{command} 1")), "{command}: {page}");
    }
    assert_eq!(snap(&["man", "nothing"]).0, Some(2));
}
