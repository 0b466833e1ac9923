//! What belongs to the command line itself: completion scripts and manual pages.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::Must;

fn snap(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snap"));
    // No HOME: neither of these needs a folder of anybody's.
    let said = command.env_clear().args(arguments).output().must("snap");
    let text = |bytes| String::from_utf8(bytes).must("UTF-8");
    (said.status.code(), text(said.stdout), text(said.stderr))
}

#[test]
fn bash_completes_a_command_with_the_script_it_is_given() {
    let (code, script, _) = snap(&["completions", "bash"]);
    assert_eq!(code, Some(0));
    let ask = "\nCOMP_WORDS=(snap rew); COMP_CWORD=1; _snap snap rew snap; echo \"${COMPREPLY[@]}\"\n\
        COMP_WORDS=(snap diff --exit); COMP_CWORD=2; _snap snap --exit diff; echo \"${COMPREPLY[@]}\"\n";
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut bash = bash.spawn().must("bash");
    bash.stdin.take().must("its input").write_all((script + ask).as_bytes()).must("written");
    let said = bash.wait_with_output().must("bash");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "rewind\n--exit-code\n");
}

#[test]
fn every_shell_gets_a_script_and_an_unknown_one_a_list_of_those_there_are() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, script, _) = snap(&["completions", shell]);
        assert!(code == Some(0) && script.contains("rewind"), "{shell}");
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
    assert!(code == Some(0) && page.contains(".TH snap 1") && page.contains("Exit codes"), "{page}");
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
