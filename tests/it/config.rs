//! The user's settings: what they change, where each comes from, and that nothing in a project sets any.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::project::{Project, Ran, ran};

/// Writes the settings of a project's user; returns where.
fn settings(project: &Project, text: &str) -> PathBuf {
    let file = project.home.path().join(".config/snap/snap.toml");
    fs::create_dir_all(file.parent().must("a folder")).must("the folder");
    fs::write(&file, text).must("the settings");
    file
}

fn one(project: &Project, name: &str) -> Value {
    let listed = project.snap(&["config", "--json"]).exits(0).json();
    let all = listed["settings"].as_array().must("a list");
    let one = all.iter().find(|one| one["name"] == name).must("the setting");
    json!([one["value"], one["source"], one["line"]])
}

/// Runs with a variable.
fn with(project: &Project, variable: &str, value: &str, arguments: &[&str]) -> Ran {
    ran(project.command(project.root(), arguments).env(variable, value))
}

#[test]
fn config_lists_each_setting_with_where_it_comes_from() {
    let project = Project::new();
    assert_eq!(one(&project, "keep.automatic"), json!(["50", "default", null]));
    assert_eq!(one(&project, "prune.older_than"), json!([null, "default", null]));
    let file = settings(&project, "# mine\n[keep]\nautomatic = 7\n[look]\ntheme = \"dark\"\n");
    assert_eq!(one(&project, "keep.automatic"), json!(["7", "file", 3]));
    assert_eq!(one(&project, "look.theme"), json!(["dark", "file", 5]));
    let shown = with(&project, "SNAP_DIFF_THEME", "light", &["config"]).exits(0).stdout;
    assert!(shown.starts_with(&file.display().to_string()), "{shown}");
    let line = |name: &str| shown.lines().find(|line| line.starts_with(name)).must("a line").to_owned();
    assert!(line("keep.automatic ").contains("7") && line("keep.automatic ").contains("line 3: "), "{shown}");
    assert!(
        line("look.theme").contains("light") && line("look.theme").contains("SNAP_DIFF_THEME: "),
        "{shown}"
    );
    let form = project.snap(&["diff", "--show-config"]).exits(0).stdout;
    assert!(form.contains("theme         dark       the settings, line 5"), "{form}");
}

#[test]
fn what_is_wrong_is_an_error_with_its_line_and_stops_no_checkpoint() {
    let project = Project::new();
    let file = settings(&project, "[keep]\nautomatc = 7\nsafety = \"soon\"\n");
    let said = |line: usize, what: &str| format!("{}:{line}: {what}", file.display());
    for command in [&["save", "x"][..], &["list"], &["config"]] {
        project.snap(command).exits(2).says(&[
            &said(2, "there is no setting keep.automatc; did you mean keep.automatic?"),
            &said(3, "keep.safety should be a span of time"),
        ]);
    }
    let transcript = project.session("0c5d6a0e-2ac4-4a62-9d4b-6f1f2a5b7c80");
    project.write("a.txt", "edited\n");
    let input = json!({
        "session_id": "0c5d6a0e-2ac4-4a62-9d4b-6f1f2a5b7c80", "transcript_path": transcript,
        "cwd": project.root(), "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": {"command": "rm -rf build"},
    });
    crate::hooks::hook_with(
        project.command(project.root(), &["hook", "PreToolUse"]),
        input.to_string().as_bytes(),
    )
    .exits(0);
    fs::remove_file(file).must("to remove");
    let listed = project.snap(&["list", "--json"]).exits(0).json();
    assert_eq!(listed[0]["name"], "before rm -rf build", "{listed}");
}

#[test]
fn settings_count_where_no_option_says_otherwise() {
    let project = Project::new();
    settings(&project, "[prune]\nkeep_last = 1\n[save]\nmax_file = \"1K\"\n");
    project.write("large", vec![b'x'; 2_000]);
    project.snap(&["save", "one"]).exits(6).says(&["large"]);
    project.snap(&["save", "two", "--max-file", "1M"]).exits(0);
    let planned = project.snap(&["prune", "--dry-run", "--json"]).exits(0).json();
    let kept = |planned: &Value| {
        let all = planned["snapshots"].as_array().must("a list").iter();
        all.filter(|one| one["keep"] == true).count()
    };
    assert_eq!(kept(&planned), 1);
    let more = project.snap(&["prune", "--keep-last", "9", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(kept(&more), 2, "an option stands for all of them");
}

#[test]
fn nothing_of_a_project_is_obeyed_and_another_file_can_be_named() {
    let project = Project::new();
    project.write("snap.toml", "[keep]\nautomatic = 0\n");
    let inside = project.path("snap.toml");
    let inside = inside.to_str().must("UTF-8");
    with(&project, "SNAP_CONFIG", inside, &["list"]).exits(2).says(&["it is in the project"]);
    with(&project, "SNAP_CONFIG", "/not/there.toml", &["list"]).exits(2).says(&["there is no such file"]);
    let other = project.home.path().join("other.toml");
    fs::write(&other, "[keep]\nautomatic = 3\n").must("other settings");
    let shown = with(&project, "SNAP_CONFIG", other.to_str().must("UTF-8"), &["config"]).exits(0).stdout;
    assert!(shown.contains("line 2: how many of the newest automatic"), "{shown}");
}

#[test]
fn the_documented_table_is_the_one_of_the_code() {
    let listed = Project::new().snap(&["config", "--json"]).exits(0).json();
    let cell = |value: &Value| value.as_str().map_or(String::new(), |text| format!("`{text}`"));
    let rows = listed["settings"].as_array().must("a list").iter().map(|one| {
        format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            cell(&one["name"]),
            one["takes"].as_str().must("a text"),
            cell(&one["value"]),
            one["what"].as_str().must("a text"),
            cell(&one["option"]),
            cell(&one["variable"]),
        )
    });
    let head =
        "| setting | takes | default | what | option | variable |\n| --- | --- | --- | --- | --- | --- |\n";
    let table = format!("{head}{}", rows.collect::<String>());
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
    let text = fs::read_to_string(&page).must("the page");
    let (before, rest) = text.split_once(head).must("the table's head");
    let after = rest.split_once("\n\n").map_or("", |(_, after)| after);
    if std::env::var_os("SNAP_BLESS").is_some() {
        fs::write(&page, format!("{before}{table}\n{after}")).must("blessed");
        return;
    }
    assert!(text.contains(&table), "docs/settings.md should have (SNAP_BLESS=1 writes it):\n{table}");
}
