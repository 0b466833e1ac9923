//! The trust matrix of rights: own, trusted and foreign snapshots, with and without a terminal, against every key of
//! settings that no snapshot may set and a grant of every class. (That of files is in `trust`.)

use std::fs;

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::project::Project;
use crate::trust::{NEVER, Signers, never_keys, resigned, typed_into};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Rules that let nobody run anything: of reading, of one command, of a prefix.
const HARMLESS: [&str; 3] = ["Read(./sub/**)", "Bash(npm test)", "Bash(ls *)"];

/// Rules that would allow any command.
const WORST: [&str; 6] = ["Bash", "Bash(python3 *)", "Bash(sudo *)", "mcp__db", "WebFetch", "Edit"];

/// Rules that lead out of the work tree: they stay behind, whoever saved them.
const OUTSIDE: [&str; 2] = ["Edit(//etc/**)", "Read(~/.ssh/**)"];

/// Settings that git ignores, with every key of the list and every class of rule; saved as `x`.
fn saved() -> Project {
    let project = Project::new();
    project.write(".gitignore", ".claude/\n");
    project.git(&["add", ".gitignore"]);
    project.git(&["commit", "-qm", "ignore"]);
    let mut settings: Value = serde_json::from_str(NEVER).must("JSON");
    settings["permissions"]["allow"] = json!([&HARMLESS[..], &WORST, &OUTSIDE].concat());
    settings["permissions"]["deny"] = json!(["Read(.env)"]);
    settings["permissions"]["ask"] = json!(["Bash(git push *)"]);
    project.write(".claude/settings.local.json", settings.to_string());
    project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    project
}

#[test]
fn no_snapshot_sets_a_key_of_the_list_and_grants_come_by_class() {
    let project = saved();
    let signers = Signers::new(&project);
    let stores = [
        ("own", project.stored("").to_str().must("UTF-8").to_owned()),
        ("trusted", resigned(&project, &signers.key)),
        ("foreign", project.stored("").to_str().must("UTF-8").to_owned()),
    ];
    // What is chosen, how it is said, and which rules come to whom.
    let harmless = &HARMLESS[..];
    let everything = [harmless, &WORST].concat();
    type Cell<'a> = (&'a [&'a str], Option<&'a str>, [&'a [&'a str]; 3]);
    let table: [Cell<'_>; 6] = [
        (&[], None, [&[], &[], &[]]),
        (&["--grants", "none"], None, [&[], &[], &[]]),
        (&["--grants", "all"], None, [&everything, &everything, harmless]),
        (&["--grants", "none"], Some(""), [&[], &[], &[]]),
        (&[], Some("\n"), [&[], &[], &[]]),
        (&["--grants", "review"], Some("y\n"), [harmless, harmless, harmless]),
    ];
    for (number, (whose, store)) in stores.iter().enumerate() {
        for (options, typed, wanted) in &table {
            let place = project.cloned();
            let place = if *whose == "own" { place } else { place.of_another_user() };
            if *whose == "trusted" {
                signers.are_trusted_by(&place);
            }
            let arguments =
                [&["resume", "x", "--no-run", "--trust", "--color", "never", "--store", store][..], options]
                    .concat();
            let cell = format!("{whose} {options:?} {typed:?}");
            let said = match typed {
                None => {
                    let ran = place.snap(&arguments).exits(0);
                    ran.stdout + &ran.stderr
                }
                Some(typed) => {
                    // Somebody else's permission mode is asked about first.
                    let first = if *whose == "own" { "" } else { "\n" };
                    let typed = format!("{first}{typed}");
                    let (code, said) = typed_into(&mut place.command(place.root(), &arguments), &typed);
                    assert_eq!(code, 0, "{cell}: {said}");
                    said
                }
            };
            assert!(!said.contains("--permission-mode bypassPermissions"), "{cell}: {said}");
            assert!(*whose != "foreign" || !said.contains("--permission-mode acceptEdits"), "{cell}: {said}");
            let settings = fs::read(place.path(".claude/settings.local.json"));
            let settings: Value =
                settings.map_or(json!({}), |bytes| serde_json::from_slice(&bytes).must("JSON"));
            let text = settings.to_string();
            for key in never_keys() {
                assert!(!text.contains(&format!("\"{key}\"")), "{cell}: {key} in {text}");
            }
            let allowed = settings["permissions"]["allow"].as_array().cloned().unwrap_or_default();
            let mut allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
            let mut wanted = wanted[number].to_vec();
            allowed.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(allowed, wanted, "{cell}: {said}");
            assert!(!place.path(".claude/settings.json").exists() && !place.path(".mcp.json").exists());
            assert!(!place.home.config().join("settings.json").exists(), "{cell}");
        }
    }
}
