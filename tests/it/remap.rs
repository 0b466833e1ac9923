//! Which mentions of a path are rewritten, which are not, and how the new path is spelled there.

use claude_snap::client::slug;
use claude_snap::remap::{
    Form, MapError, MapSpec, Outside, PairKind, PathMap, RemapMode, RemapReport, Remapper,
};

const OLD_ID: &str = "11111111-2222-4333-8444-555555555555";
const NEW_ID: &str = "99999999-8888-4777-8666-aaaaaaaaaaaa";

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect()
}

fn spec(old: &str, new: &str) -> MapSpec {
    MapSpec { roots: pairs(&[(old, new)]), ..MapSpec::default() }
}

fn remapper(spec: &MapSpec, mode: RemapMode) -> Remapper {
    Remapper::new(&PathMap::build(spec).unwrap(), mode).unwrap()
}

/// What becomes of a text, as a record holds it.
fn in_record(spec: &MapSpec, text: &str) -> String {
    let mut out = Vec::new();
    remapper(spec, RemapMode::Rewrite).remap_line(text.as_bytes(), &mut out, &mut RemapReport::default());
    String::from_utf8(out).unwrap()
}

fn in_text(spec: &MapSpec, text: &str) -> String {
    let mut out = Vec::new();
    remapper(spec, RemapMode::Rewrite).remap_text(text.as_bytes(), &mut out, &mut RemapReport::default());
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn assert_maps(spec: &MapSpec, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(in_record(spec, text), *expected, "mapping {text}");
    }
}

#[track_caller]
fn assert_stays(spec: &MapSpec, cases: &[&str]) {
    for text in cases {
        assert_eq!(in_record(spec, text), *text);
    }
}

#[test]
fn a_path_is_found_wherever_prose_commands_and_fields_put_it() {
    assert_maps(
        &spec("/repo", "/new"),
        &[
            ("/repo", "/new"),
            ("/repo/", "/new/"),
            ("/repo/src/a.rs", "/new/src/a.rs"),
            (r#"{"cwd":"/repo"}"#, r#"{"cwd":"/new"}"#),
            (r#"{"/repo/a":{}}"#, r#"{"/new/a":{}}"#),
            ("It is in /repo.", "It is in /new."),
            ("It is in /repo...", "It is in /new..."),
            ("`/repo`, (/repo), </repo>", "`/new`, (/new), </new>"),
            (r"first\n/repo\nlast\t/repo", r"first\n/new\nlast\t/new"),
            (r"outer\\n/repo", r"outer\\n/new"),
            ("cc -I/repo/include -L/repo", "cc -I/new/include -L/new"),
            (r"\n-I/repo", r"\n-I/new"),
            ("--prefix=/repo", "--prefix=/new"),
            ("PATH=/repo/bin:/repo/sbin", "PATH=/new/bin:/new/sbin"),
            ("host:/repo @/repo/a >/repo/log 2>/repo/err", "host:/new @/new/a >/new/log 2>/new/err"),
            ("Bash(ls /repo:*) Read(/repo/**)", "Bash(ls /new:*) Read(/new/**)"),
            ("“/repo” — /repo—and│/repo│→/repo", "“/new” — /new—and│/new│→/new"),
            (r"\u2502/repo\u2502", r"\u2502/new\u2502"),
            (r"\u001b[1;32m/repo\u001b[0m", r"\u001b[1;32m/new\u001b[0m"),
            ("/repo:12:3: error", "/new:12:3: error"),
            ("/repo/repo /repo//repo", "/new/repo /new//repo"),
        ],
    );
}

#[test]
fn a_path_that_only_looks_like_the_root_stays() {
    assert_stays(
        &spec("/repo", "/new"),
        &[
            "/repo2",
            "/repository",
            "/repo-wt",
            "/repo_old",
            "/repo.git",
            "/repo.old/a",
            "/repoß",
            "/repo日本",
            r"/repo\u00df",
            r"/repo\\u00DF",
            "/repo%20two",
            r"/repo\ two",
            r"/repo\\ two",
            "/repo…",
            "/x/repo",
            "x/repo",
            "ß/repo",
            r"\u00df/repo",
            "./repo",
            "../repo",
            "~/repo",
            "$HOME/repo",
            "${ROOT}/repo",
            "a-I/repo",
            "-isystem/repo",
            "//repo",
            r"\\\\\/repo",
            "https://example.org/repo",
            "https://example.org:8080/repo",
            "file:///x/repo",
            "%2Fx%2Frepo",
            "%2Frepo2",
            "/REPO",
        ],
    );
}

#[test]
fn every_form_is_mapped_to_the_same_form() {
    let mut spec = spec("/home/ann/my app", "/srv/the new");
    spec.home = Some(("/home/ann".to_owned(), "/home/bob".to_owned()));
    assert_maps(
        &spec,
        &[
            ("/home/ann/my app/a", "/srv/the new/a"),
            (r"cd /home/ann/my\\ app/a", r"cd /srv/the\\ new/a"),
            (r"cd /home/ann/my\\\\ app/a", r"cd /srv/the\\\\ new/a"),
            ("file:///home/ann/my%20app/a", "file:///srv/the%20new/a"),
            ("/home/ann/my%20app/a", "/srv/the%20new/a"),
            ("?p=%2Fhome%2Fann%2Fmy%20app%2Fa", "?p=%2Fsrv%2Fthe%20new%2Fa"),
            ("?p=%2fhome%2fann%2fmy%20app%2fa", "?p=%2fsrv%2fthe%20new%2fa"),
            ("?u=file%3A%2F%2F%2Fhome%2Fann%2Fmy%20app", "?u=file%3A%2F%2F%2Fsrv%2Fthe%20new"),
            (r"\/home\/ann\/my app\/a", r"\/srv\/the new\/a"),
            (r"\\/home\\/ann\\/my app\\/a", r"\\/srv\\/the new\\/a"),
            (r"\\\/home\\\/ann\\\/my app", r"\\\/srv\\\/the new"),
            (r"file:\/\/\/home\/ann\/my%20app", r"file:\/\/\/srv\/the%20new"),
            ("~/my app/a", "/srv/the new/a"),
            (r"~/my\\ app/a", r"/srv/the\\ new/a"),
            ("$HOME/my app/a ${HOME}/my app", "/srv/the new/a /srv/the new"),
        ],
    );
    assert_eq!(in_text(&spec, r"cd ~/my\ app; cd /home/ann/my\ app"), r"cd /srv/the\ new; cd /srv/the\ new");
}

#[test]
fn a_path_below_home_stays_relative_to_home_where_the_new_one_is_too() {
    let mut spec = spec("/home/ann/app", "/home/bob/work/app2");
    spec.home = Some(("/home/ann".to_owned(), "/home/bob".to_owned()));
    assert_maps(
        &spec,
        &[
            ("ls ~/app/src", "ls ~/work/app2/src"),
            ("ls $HOME/app ${HOME}/app", "ls $HOME/work/app2 ${HOME}/work/app2"),
        ],
    );
    assert_stays(&spec, &["ls ~/app2 ~/app.bak x~/app ~ann/app $HOME2/app"]);
}

#[test]
fn unicode_is_written_escaped_where_it_was_found_escaped() {
    assert_maps(
        &spec("/home/jörg/app", "/home/zoë/😀"),
        &[
            ("/home/jörg/app/a", "/home/zoë/😀/a"),
            (r"/home/j\u00f6rg/app/a", r"/home/zo\u00eb/\ud83d\ude00/a"),
            (r"/home/j\u00F6rg/app/a", r"/home/zo\u00EB/\uD83D\uDE00/a"),
            (r"/home/j\\u00f6rg/app/a", r"/home/zo\\u00eb/\\ud83d\\ude00/a"),
            (r"\/home\/j\u00f6rg\/app", r"\/home\/zo\u00eb\/\ud83d\ude00"),
            ("file:///home/j%C3%B6rg/app", "file:///home/zo%C3%AB/%F0%9F%98%80"),
            ("file:///home/j%c3%b6rg/app", "file:///home/zo%c3%ab/%f0%9f%98%80"),
        ],
    );
}

#[test]
fn a_windows_path_is_found_at_every_level_of_nesting_and_in_every_shell() {
    assert_maps(
        &spec(r"C:\dev\app", r"D:\my work"),
        &[
            (r#""C:\\dev\\app\\a""#, r#""D:\\my work\\a""#),
            (r#""C:\\\\dev\\\\app\\\\a""#, r#""D:\\\\my work\\\\a""#),
            (r#""C:\\\\\\\\dev\\\\\\\\app""#, r#""D:\\\\\\\\my work""#),
            (r#""c:\\dev\\app""#, r#""D:\\my work""#),
            (r#""C:\\dev\\app\\ubeef""#, r#""D:\\my work\\ubeef""#),
            (r#""C:\\dev\\app\n""#, r#""D:\\my work\n""#),
            ("C:/dev/app/a", "D:/my work/a"),
            ("file:///C:/dev/app/a", "file:///D:/my%20work/a"),
            ("file:///c%3A/dev/app/a", "file:///D%3A/my%20work/a"),
            ("/mnt/c/dev/app/a", "/mnt/d/my work/a"),
            ("cd /c/dev/app/a", "cd /d/my work/a"),
            ("C%3A%5Cdev%5Capp%5Ca", "D%3A%5Cmy%20work%5Ca"),
        ],
    );
    assert_stays(
        &spec(r"C:\dev\app", r"D:\my work"),
        &[r"C:\\dev\\app2", r"XC:\\dev\\app", "/C:/dev/app", r"C:\dev\app", r"C:\\dev\\app.old"],
    );
    assert_eq!(in_text(&spec(r"C:\dev\app", r"D:\x"), r"C:\dev\app\a"), r"D:\x\a");
    assert_maps(
        &spec(r"\\server\share\app", r"\\other\disk\app"),
        &[(r"at \\\\server\\share\\app\\a", r"at \\\\other\\disk\\app\\a")],
    );
}

#[test]
fn the_rest_of_a_windows_path_gets_slashes_where_the_new_root_has_them() {
    let mut spec = spec(r"C:\dev\app", "/srv/app");
    spec.slugs = pairs(&[("C--dev-app", "-srv-app")]);
    assert_maps(
        &spec,
        &[
            (r#""C:\\dev\\app\\src\\a.rs""#, r#""/srv/app/src/a.rs""#),
            (r#""C:\\\\dev\\\\app\\\\src\\\\a.rs\"""#, r#""/srv/app/src/a.rs\"""#),
            (r#""C:\\dev\\app\\" and D:\\x"#, r#""/srv/app/" and D:\\x"#),
            (r"C:\\dev\\app\\C--dev-app\\x", r"/srv/app/-srv-app\\x"),
            ("C:/dev/app/src", "/srv/app/src"),
            ("/mnt/c/dev/app/src", "/srv/app/src"),
        ],
    );
}

#[test]
fn a_new_path_is_escaped_for_the_strings_it_stands_in() {
    let record = serde_json::json!({
        "cwd": "/repo",
        "text": "see \"this\" in /repo, or 5\" at\n/repo \"/repo\"",
        "nested": serde_json::json!({
            "cwd": "/repo/a",
            "deeper": serde_json::json!({"cwd": "/repo/b"}).to_string(),
        }).to_string(),
    });
    let new = r#"/n"e\w"#;
    let mapped = in_record(&spec("/repo", new), &record.to_string());
    let mapped: serde_json::Value = serde_json::from_str(&mapped).unwrap();
    assert_eq!(mapped["cwd"], new);
    assert_eq!(
        mapped["text"], "see \"this\" in /n\"e\\w, or 5\" at\n/n\"e\\w \"/n\\\"e\\\\w\"",
        "a quoted path is escaped for its quotes",
    );
    let nested: serde_json::Value = serde_json::from_str(mapped["nested"].as_str().unwrap()).unwrap();
    assert_eq!(nested["cwd"], format!("{new}/a"));
    let deeper: serde_json::Value = serde_json::from_str(nested["deeper"].as_str().unwrap()).unwrap();
    assert_eq!(deeper["cwd"], format!("{new}/b"));
}

#[test]
fn an_old_path_with_quotes_and_backslashes_is_found_at_every_level() {
    let spec = spec(r#"/a/q"b\s"#, "/new");
    assert_maps(
        &spec,
        &[
            (r#"{"cwd":"/a/q\"b\\s/x"}"#, r#"{"cwd":"/new/x"}"#),
            (r#"{"s":"{\"cwd\":\"/a/q\\\"b\\\\s/x\"}"}"#, r#"{"s":"{\"cwd\":\"/new/x\"}"}"#),
        ],
    );
    assert_eq!(in_text(&spec, r#"/a/q"b\s/x"#), "/new/x");
}

#[test]
fn project_directories_are_mapped_as_whole_names_only() {
    let mut spec = spec("/home/ann/app", "/srv/app");
    spec.roots.extend(pairs(&[("/home/ann/.claude", "/root/.claude")]));
    spec.slugs = pairs(&[("-home-ann-app", "-srv-app")]);
    spec.session = Some((OLD_ID.to_owned(), NEW_ID.to_owned()));
    let transcript = |home: &str, slug: &str, id: &str| format!("{home}/.claude/projects/{slug}/{id}.jsonl");
    assert_maps(
        &spec,
        &[
            (&transcript("/home/ann", "-home-ann-app", OLD_ID), &transcript("/root", "-srv-app", NEW_ID)),
            (&transcript("~", "-home-ann-app", OLD_ID), &transcript("~", "-srv-app", NEW_ID)),
            (
                &format!("/tmp/claude-0/-home-ann-app/{OLD_ID}/tasks/b1.output"),
                &format!("/tmp/claude-0/-srv-app/{NEW_ID}/tasks/b1.output"),
            ),
            (r#"\"/x/-home-ann-app\" `/x/-home-ann-app`"#, r#"\"/x/-srv-app\" `/x/-srv-app`"#),
            (r"projects\\-home-ann-app\\x", r"projects\\-srv-app\\x"),
            ("projects%2F-home-ann-app%2Fx", "projects%2F-srv-app%2Fx"),
        ],
    );
    assert_stays(
        &spec,
        &[
            "/x/-home-ann-app2",
            "/x/-home-ann-app-wt",
            "/x/-home-ann-app.bak",
            "/x/a-home-ann-app",
            "-home-ann-app",
            "--flag -home-ann-app",
        ],
    );
}

#[test]
fn a_project_directory_in_another_home_is_another_one() {
    let mut spec = spec("/home/ann/app", "/srv/app");
    spec.slugs = pairs(&[("-home-ann-app", "-srv-app")]);
    spec.projects = pairs(&[("/home/ann/.claude/projects/-home-ann-app", "/root/.claude/projects/-srv-app")]);
    assert_stays(
        &spec,
        &[
            "/home/ada/.claude/projects/-home-ann-app/memory/x.md",
            r"see\n/home/ada/.claude/projects/-home-ann-app",
            "file:///home/ada/.claude/projects/-home-ann-app",
            r"C:\\Users\\ada\\.claude\\projects\\-home-ann-app",
        ],
    );
    assert_maps(
        &spec,
        &[
            ("/home/ann/.claude/projects/-home-ann-app/x", "/root/.claude/projects/-srv-app/x"),
            ("~/.claude/projects/-home-ann-app/x", "~/.claude/projects/-srv-app/x"),
            ("${CLAUDE_CONFIG_DIR}/projects/-home-ann-app", "${CLAUDE_CONFIG_DIR}/projects/-srv-app"),
            ("$HOME/.claude/projects/-home-ann-app", "$HOME/.claude/projects/-srv-app"),
            (
                ".claude/projects/-home-ann-app projects/-home-ann-app",
                ".claude/projects/-srv-app projects/-srv-app",
            ),
            ("/tmp/claude-0/-home-ann-app/tasks", "/tmp/claude-0/-srv-app/tasks"),
        ],
    );
}

#[test]
fn a_guard_that_is_no_absolute_path_guards_nothing_and_stops_nothing() {
    let mut spec = spec("/repo", "/new");
    spec.guards = vec!["../../wt".to_owned(), "/repo/wt".to_owned()];
    assert_maps(&spec, &[("/repo/a ../../wt /repo/wt/a", "/new/a ../../wt /repo/wt/a")]);
}

#[test]
fn a_session_id_is_mapped_inside_file_names_but_not_inside_longer_ids() {
    let spec = MapSpec { session: Some((OLD_ID.to_owned(), NEW_ID.to_owned())), ..MapSpec::default() };
    assert_maps(
        &spec,
        &[
            (&format!("{OLD_ID}-agent-{OLD_ID}.json"), &format!("{NEW_ID}-agent-{NEW_ID}.json")),
            (&format!(r"\n{OLD_ID}\n"), &format!(r"\n{NEW_ID}\n")),
        ],
    );
    assert_stays(&spec, &[&format!("a{OLD_ID}"), &format!("{OLD_ID}0")]);
}

#[test]
fn guarded_folders_stay_and_their_lookalikes_do_not() {
    let mut spec = spec("/repo", "/new");
    spec.guards = vec!["/repo/.worktrees/b".to_owned()];
    assert_maps(
        &spec,
        &[
            ("/repo/.worktrees/b/x /repo/.worktrees/b", "/repo/.worktrees/b/x /repo/.worktrees/b"),
            (r"\/repo\/.worktrees\/b", r"\/repo\/.worktrees\/b"),
            ("file:///repo/.worktrees/b", "file:///repo/.worktrees/b"),
            ("/repo/.worktrees/b2/x", "/new/.worktrees/b2/x"),
            ("/repo/.worktrees", "/new/.worktrees"),
        ],
    );
}

#[test]
fn the_longest_root_wins_and_roots_may_swap() {
    let spec = MapSpec {
        roots: pairs(&[("/a/app", "/b/app"), ("/a/app/.claude/worktrees/w", "/w/w")]),
        user: pairs(&[("/x/one", "/x/two"), ("/x/two", "/x/one")]),
        ..MapSpec::default()
    };
    assert_maps(
        &spec,
        &[
            ("/a/app/.claude/worktrees/w/x", "/w/w/x"),
            ("/a/app/.claude/worktrees/w2/x", "/b/app/.claude/worktrees/w2/x"),
            ("mv /x/one/a /x/two/b", "mv /x/two/a /x/one/b"),
        ],
    );
}

#[test]
fn one_run_never_feeds_on_its_own_output() {
    assert_maps(
        &spec("/a/app", "/a/app2"),
        &[("/a/app/x /a/app2/x", "/a/app2/x /a/app2/x"), ("/a/app:/a/app", "/a/app2:/a/app2")],
    );
    assert_maps(
        &spec("/a", "/a/b"),
        &[("/a/c", "/a/b/c"), ("/a", "/a/b"), ("/a/b/c", "/a/b/c"), ("/a/bc", "/a/b/bc")],
    );
    assert_maps(&spec("/a/b", "/a"), &[("/a/b/b /a/b/a/b", "/a/b /a/a/b")]);
}

#[test]
fn both_spellings_of_a_folder_behind_macos_private_are_found() {
    assert_maps(
        &spec("/private/tmp/app", "/srv/app"),
        &[("/private/tmp/app/a", "/srv/app/a"), ("/tmp/app/a", "/srv/app/a")],
    );
    assert_maps(
        &spec("/tmp/app", "/srv/app"),
        &[("/private/tmp/app/a", "/srv/app/a"), ("file:///private/tmp/app", "file:///srv/app")],
    );
}

#[test]
fn case_is_ignored_where_the_source_ignored_it() {
    let mut spec = spec("/Users/Ann/App", "/srv/app");
    assert_stays(&spec, &["/users/ann/app"]);
    spec.ignore_case = true;
    assert_maps(&spec, &[("/users/ann/app/A", "/srv/app/A"), (r"\/USERS\/Ann\/APP", r"\/srv\/app")]);
    assert_stays(&spec, &["/users/ann/app2", "/users/ann/Apps"]);
}

#[test]
fn signed_thinking_and_base64_data_never_change_and_are_counted() {
    let record = concat!(
        r#"{"message":{"content":["#,
        r#"{"type":"thinking","thinking":"in /repo \" /repo","signature":"/repo"},"#,
        r#"{"type":"redacted_thinking","data":"/repo","signature":"/repo"},"#,
        r#"{"type":"image","source":{"data":"/repo/+","type":"base64"}},"#,
        r#"{"type":"document","source":{"type":"base64","media_type":"m","data":"/repo"}},"#,
        r#"{"type":"text","text":"data \"thinking\": \"/repo\""},"#,
        r#"{"type":"tool_use","input":{"data":"/repo","source":{"type":"text","data":"/repo"}}}"#,
        r#"]},"cwd":"/repo"}"#,
    );
    let mut out = Vec::new();
    let mut report = RemapReport::default();
    assert!(remapper(&spec("/repo", "/new"), RemapMode::Rewrite).remap_line(
        record.as_bytes(),
        &mut out,
        &mut report
    ));
    let expected = record
        .replace(r#"\"/repo\""#, r#"\"/new\""#)
        .replace(
            r#""input":{"data":"/repo","source":{"type":"text","data":"/repo"}"#,
            r#""input":{"data":"/new","source":{"type":"text","data":"/new"}"#,
        )
        .replace(r#""cwd":"/repo""#, r#""cwd":"/new""#);
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    assert_eq!((report.protected, report.leftovers(), report.replaced()), (7, 7, 4));
}

#[test]
fn keep_changes_what_the_client_looks_up_and_no_message() {
    let mut spec = spec("/repo", "/new");
    spec.session = Some((OLD_ID.to_owned(), NEW_ID.to_owned()));
    let remapper = remapper(&spec, RemapMode::Keep);
    let keep = |record: &str| {
        let (mut out, mut report) = (Vec::new(), RemapReport::default());
        remapper.remap_line(record.as_bytes(), &mut out, &mut report);
        (String::from_utf8(out).unwrap(), report)
    };

    let message =
        format!(r#"{{"message":{{"cwd":"/repo","planFilePath":"/repo/p","content":"/repo {OLD_ID}"}}"#);
    let (out, report) = keep(&format!(r#"{message},"cwd":"/repo","sessionId":"{OLD_ID}"}}"#));
    assert_eq!(out, format!(r#"{message},"cwd":"/new","sessionId":"{NEW_ID}"}}"#));
    assert_eq!((report.replaced(), report.kept, report.protected), (2, 4, 0));

    let (out, _) = keep(concat!(
        r#"{"type":"file-history-snapshot","snapshot":{"trackedFileBackups":"#,
        r#"{"/repo/a.rs":{"backupFileName":"x /repo","realParentDir":"/repo"}}}}"#,
    ));
    assert!(out.contains(r#"{"/new/a.rs":{"backupFileName":"x /repo","realParentDir":"/new"}"#));

    let (out, _) = keep(concat!(
        r#"{"type":"file-history-delta","trackingPath":"/repo/a","#,
        r#""backup":{"realParentDir":"/repo"},"note":"/repo"}"#,
    ));
    assert!(out.contains(r#""trackingPath":"/new/a","backup":{"realParentDir":"/new"},"note":"/repo""#));

    let (out, _) = keep(concat!(
        r#"{"type":"worktree-state","relocatedCwd":"/repo","planFilePath":"/repo/p","#,
        r#""worktreeSession":{"originalCwd":"/repo","worktreePath":"/repo/w","hooks":["/repo"]}}"#,
    ));
    assert!(!out.contains("/repo"), "{out}");

    let (mut out, mut report) = (Vec::new(), RemapReport::default());
    assert!(!remapper.remap_text(b"see /repo", &mut out, &mut report));
    assert_eq!((out.as_slice(), report.kept), (&b"see /repo"[..], 1));
}

#[test]
fn a_torn_record_is_mapped_as_far_as_it_goes() {
    let spec = spec("/repo", "/new");
    assert_maps(
        &spec,
        &[
            (r#"{"cwd":"/repo","text":"in /repo"#, r#"{"cwd":"/new","text":"in /new"#),
            (r#"{"cwd":"/repo","thinking":"in /repo"#, r#"{"cwd":"/new","thinking":"in /repo"#),
            (r#"{"cwd":"/repo\"#, r#"{"cwd":"/new\"#),
            (r#""source":{"type":"base64","data":"/repo"#, r#""source":{"type":"base64","data":"/repo"#),
        ],
    );
}

#[test]
fn many_lines_at_once_come_out_as_one_by_one() {
    let mut spec = spec("/home/ann/app", "/n");
    spec.home = Some(("/home/ann".to_owned(), "/home/ann".to_owned()));
    let lines = concat!(
        "{\"a\":1}\n\n{\"cwd\":\"/home/ann/app\",\"thinking\":\"/home/ann/app\"}\n",
        "{\"x\":\"~/app ~/app2\"}\n{\"b\":\"app\"}\n/home/ann/app\n{\"torn\":\"/home/ann/app",
    );
    let remapper = remapper(&spec, RemapMode::Rewrite);
    let (mut single, mut single_report) = (Vec::new(), RemapReport::default());
    for line in lines.split_inclusive('\n') {
        remapper.remap_line(line.as_bytes(), &mut single, &mut single_report);
    }
    let (mut whole, mut whole_report) = (Vec::new(), RemapReport::default());
    assert!(remapper.remap_lines(lines.as_bytes(), &mut whole, &mut whole_report));
    assert_eq!(String::from_utf8(whole).unwrap(), String::from_utf8(single).unwrap());
    assert_eq!(whole_report, single_report);
    assert_eq!((whole_report.changed, whole_report.replaced(), whole_report.protected), (4, 4, 1));
}

#[test]
fn paths_that_the_map_says_nothing_about_are_told_within_bounds() {
    let mut outside = Outside::new(&PathMap::build(&spec("/repo", "/new")).unwrap()).unwrap();
    outside.collect(
        concat!(
            r#"{"cwd":"/repo/a","message":{"file_path":"/etc/hosts","text":"/etc/passwd"}}"#,
            "\n",
            r#"{"cwd":"/new","toolUseResult":{"filePath":"/repo2/x"},"file_path":"/etc/hosts"}"#,
            r#"{"file_path":"C:\\x\\y","cwd":"relative","filePath":"/torn"#,
        )
        .as_bytes(),
    );
    let paths: Vec<_> = outside.paths().iter().map(|(path, count)| (path.as_str(), *count)).collect();
    assert_eq!(paths, [("/etc/hosts", 2), ("/repo2/x", 1), (r"C:\x\y", 1)]);
    for number in 0..30 {
        outside.collect(format!(r#"{{"cwd":"/x/{number}"}}"#).as_bytes());
    }
    assert_eq!((outside.paths().len(), outside.more()), (20, 13));
}

#[test]
fn the_report_counts_by_form_and_adds_up() {
    let mut spec = spec("/home/ann/app", "/new");
    spec.session = Some((OLD_ID.to_owned(), NEW_ID.to_owned()));
    let remapper = remapper(&spec, RemapMode::Rewrite);
    let text = format!(r"/home/ann/app /home/ann/app \/home\/ann\/app /home/ann/app2 {OLD_ID}");
    let (mut out, mut report) = (Vec::new(), RemapReport::default());
    remapper.remap_line(text.as_bytes(), &mut out, &mut report);
    let forms: Vec<_> = report.forms().collect();
    assert_eq!(forms, [(Form::Plain, 2), (Form::EscapedSlash, 1), (Form::SessionId, 1)]);
    assert_eq!((remapper.mentions(text.as_bytes()), remapper.mentions(&out)), (4, 0));
    let mut sum = report.clone();
    sum.add(&report);
    assert_eq!((sum.replaced(), sum.changed), (8, 2));
}

#[test]
fn a_map_is_printable_longest_first_and_knows_that_it_does_nothing() {
    let mut spec = spec("/a/app", "/b/app/");
    spec.guards = vec!["/a/app/wt".to_owned(), "/a/app".to_owned()];
    spec.user = pairs(&[("/opt/", "/usr")]);
    let map = PathMap::build(&spec).unwrap();
    let printed: Vec<_> = map.pairs().iter().map(|p| (p.kind, &*p.old, &*p.new)).collect();
    assert_eq!(
        printed,
        [
            (PairKind::Guard, "/a/app/wt", "/a/app/wt"),
            (PairKind::Root, "/a/app", "/b/app"),
            (PairKind::Guard, "/b/app", "/b/app"),
            (PairKind::User, "/opt", "/usr"),
            (PairKind::Guard, "/usr", "/usr"),
        ]
    );
    assert!(!map.is_noop());
    assert!(PathMap::noop().is_noop());
    assert!(PathMap::build(&self::spec("/a/app", "/a/app/")).unwrap().is_noop());
    let noop = Remapper::new(&PathMap::noop(), RemapMode::Rewrite).unwrap();
    let mut out = Vec::new();
    assert!(!noop.remap_lines(b"/a/app\n", &mut out, &mut RemapReport::default()));
    assert_eq!(out, b"/a/app\n");
}

#[test]
fn the_root_of_all_and_relative_roots_are_refused() {
    let refused = |list: &[(&str, &str)]| {
        PathMap::build(&MapSpec { roots: pairs(list), ..MapSpec::default() }).unwrap_err()
    };
    assert_eq!(refused(&[("/", "/x/y")]), MapError::TooShort("/".to_owned()));
    assert_eq!(refused(&[("repo/a", "/x/y")]), MapError::NotAbsolute("repo/a".to_owned()));
    assert_eq!(refused(&[("/a/b", "x")]), MapError::NotAbsolute("x".to_owned()));
    let user =
        |old: &str, new: &str| PathMap::build(&MapSpec { user: pairs(&[(old, new)]), ..MapSpec::default() });
    assert!(user("/home", "/x").is_ok());
    assert_eq!(user("/", "/x"), Err(MapError::TooShort("/".to_owned())));
    assert_eq!(user("/x", "C:\\"), Err(MapError::TooShort("C:\\".to_owned())));
}

#[test]
fn a_slug_is_what_the_client_makes_of_a_path() {
    assert_eq!(slug("/tmp/ex.d/My_app"), "-tmp-ex-d-My-app");
    assert_eq!(slug("/a/é😀"), "-a----");
    assert_eq!(slug(r"C:\x"), "C--x");
    let long = format!("/tmp/cc/w/{}/{}/{}", "a".repeat(80), "b".repeat(80), "c".repeat(80));
    let name = slug(&long);
    assert!(name.ends_with("-fgg91c"), "{name}");
    assert_eq!(name.len(), 207);
    assert_eq!(slug(&format!("/{}", "a".repeat(199))).len(), 200);
}
