//! Files that git converts: their diffs are of what git compares, and their bytes come back exactly.

use std::fs;

use crate::redaction::{assert_nowhere, token};
use crate::support::Must;
use crate::support::project::Project;

/// A kind of file that git converts.
struct Kind {
    name: &'static str,
    file: &'static str,
    attributes: &'static str,
    /// Settings of the repository: name and value.
    settings: &'static [(&'static str, &'static str)],
    /// Makes what is on the disk of a text.
    encoded: fn(&str) -> Vec<u8>,
}

fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn utf8(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

const KINDS: [Kind; 9] = [
    Kind {
        name: "eol=crlf",
        file: "f.txt",
        attributes: "*.txt text eol=crlf\n",
        settings: &[],
        encoded: crlf,
    },
    Kind {
        name: "text=auto",
        file: "f.txt",
        attributes: "* text=auto eol=crlf\n",
        settings: &[],
        encoded: crlf,
    },
    Kind {
        name: "autocrlf",
        file: "f.txt",
        attributes: "",
        settings: &[("core.autocrlf", "true")],
        encoded: crlf,
    },
    Kind {
        name: "autocrlf=input",
        file: "f.txt",
        attributes: "",
        settings: &[("core.autocrlf", "input")],
        encoded: crlf,
    },
    Kind {
        name: "UTF-16 with a mark",
        file: "f.rc",
        attributes: "*.rc text working-tree-encoding=UTF-16LE-BOM\n",
        settings: &[],
        encoded: |text| utf16(&format!("\u{feff}{text}")),
    },
    Kind {
        name: "UTF-16 with CRLF",
        file: "f.rc",
        attributes: "*.rc text eol=crlf working-tree-encoding=UTF-16LE\n",
        settings: &[],
        encoded: |text| utf16(&text.replace('\n', "\r\n")),
    },
    Kind {
        name: "another encoding",
        file: "f.l1",
        attributes: "*.l1 text working-tree-encoding=ISO-8859-1\n",
        settings: &[],
        encoded: |text| text.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect(),
    },
    Kind {
        name: "ident",
        file: "f.id",
        attributes: "*.id ident\n",
        settings: &[],
        encoded: |text| format!("$Id: 0123456789012345678901234567890123456789 $\n{text}").into_bytes(),
    },
    Kind {
        name: "a filter",
        file: "f.up",
        attributes: "*.up filter=up\n",
        settings: &[("filter.up.clean", "tr a-z A-Z"), ("filter.up.smudge", "tr A-Z a-z")],
        encoded: utf8,
    },
];

fn lines(edited: bool) -> String {
    let line =
        |n| if edited && n == 7 { "caf\u{e9}, edited\n".to_owned() } else { format!("line number {n}\n") };
    (0..20).map(line).collect()
}

fn set(project: &Project, name: &str, value: &str) {
    project.git(&["config", name, value]);
    if name.starts_with("filter.") {
        project.users_setting(name, value);
    }
}

impl Kind {
    /// Makes the settings; those of a filter are the user's own too, or it is not run.
    fn set(&self, project: &Project) {
        self.settings.iter().for_each(|(name, value)| set(project, name, value));
    }

    fn project(&self) -> Project {
        let project = Project::new();
        self.set(&project);
        project.write(".gitattributes", self.attributes);
        project.write(self.file, (self.encoded)(&lines(false)));
        project.git(&["add", "."]);
        project.git(&["commit", "-qm", self.name]);
        project
    }
}

/// Saves, and makes sure what is said of it.
#[track_caller]
fn saves(project: &Project, name: &str, said: &str) {
    let ran = project.snap(&["save", name]).exits(0);
    assert!(ran.stdout.contains(said), "{said} is not in: {}", ran.stdout);
}

/// What `snap diff` says of each file.
fn files(project: &Project, arguments: &[&str]) -> Vec<serde_json::Value> {
    let shown = project.snap(&[&["diff", "--json"], arguments].concat()).exits(0).stdout;
    shown.lines().map(|line| serde_json::from_str(line).must("JSON")).collect()
}

/// The lines that were added and removed, as `snap` counts them of a file.
fn counted(project: &Project, arguments: &[&str], file: &str) -> (u64, u64) {
    let files = files(project, arguments);
    let found = files.iter().find(|one| one["path"] == file);
    found.map_or((0, 0), |one| (one["added"].as_u64().unwrap_or(999), one["removed"].as_u64().unwrap_or(999)))
}

#[test]
fn one_edited_line_is_one_changed_line_everywhere_and_the_bytes_come_back() {
    for kind in &KINDS {
        let project = kind.project();
        let base = project.read(kind.file);
        project.write(kind.file, (kind.encoded)(&lines(true)));
        let edited = project.read(kind.file);
        assert_eq!(
            project.git(&["diff", "--numstat"]),
            format!("1\t1\t{}\n", kind.file),
            "{}: git",
            kind.name
        );
        let state = project.state();
        saves(&project, "x", "(+1 -1)");
        assert_eq!(project.state(), state, "{}", kind.name);
        assert_eq!(counted(&project, &["x"], kind.file), (1, 1), "{}: diff", kind.name);
        let shown = project.snap(&["show", "x"]).exits(0).stdout;
        assert!(shown.contains("+1 -1"), "{}: {shown}", kind.name);
        assert_eq!(counted(&project, &["x", "--now"], kind.file), (0, 0), "{}: --now", kind.name);

        project.write(kind.file, &base);
        assert_eq!(counted(&project, &["x", "--now"], kind.file), (1, 1), "{}: --now, reverted", kind.name);
        project.snap(&["save", "y", "-m", "another"]).exits(0);
        assert_eq!(counted(&project, &["x", "y"], kind.file), (1, 1), "{}: two snapshots", kind.name);
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(project.read(kind.file), edited, "{}: rewind", kind.name);
        assert_eq!(project.state(), state, "{}: rewind", kind.name);
        project.snap(&["undo"]).exits(0);
        assert_eq!(project.read(kind.file), base, "{}: undo", kind.name);
        project.snap(&["redo"]).exits(0);
        assert_eq!(project.state(), state, "{}: redo", kind.name);
        project.snap(&["verify"]).exits(0);
    }
}

#[test]
fn staged_partly_staged_renamed_and_new_files_come_back_too() {
    for kind in &KINDS {
        let project = kind.project();
        let clone = project.cloned();
        kind.set(&clone);
        let other = |name: &str| format!("{name}{}", &kind.file[1..]);
        project.write(kind.file, (kind.encoded)(&lines(true)));
        project.git(&["add", "."]);
        project.write(kind.file, (kind.encoded)(&format!("{}more\n", lines(true))));
        project.write(other("staged"), (kind.encoded)("one\ntwo\n"));
        project.git(&["add", "."]);
        project.write(other("new"), (kind.encoded)("one\ntwo\nthree\n"));
        let state = project.state();
        project.snap(&["save", "x"]).exits(0);
        assert_eq!(project.state(), state, "{}", kind.name);
        let store = project.stored("");
        let store = store.to_str().must("UTF-8");
        clone.snap(&["resume", "x", "--store", store]).exits(0);
        for name in [kind.file.to_owned(), other("staged"), other("new")] {
            assert_eq!(clone.read(&name), project.read(&name), "{}: {name}", kind.name);
        }
        assert_eq!(clone.git(&["ls-files", "-s"]), project.git(&["ls-files", "-s"]), "{}", kind.name);

        project.git(&["reset", "-q", "--hard"]);
        fs::remove_file(project.path(other("new"))).must("to remove");
        project.git(&["mv", kind.file, &other("renamed")]);
        project.write(other("renamed"), (kind.encoded)(&lines(true)));
        let state = project.state();
        saves(&project, "renamed", "1 edited file (+1 -1)");
        project.snap(&["rewind", "x"]).exits(0);
        project.snap(&["rewind", "renamed"]).exits(0);
        assert_eq!(project.state(), state, "{}: renamed", kind.name);
        project.snap(&["verify"]).exits(0);
    }
}

#[test]
fn line_ends_are_counted_as_git_counts_them_whatever_a_file_holds() {
    let attributes = [
        "",
        "* text\n",
        "* text=auto\n",
        "* -text\n",
        "* eol=crlf\n",
        "* text=auto eol=lf\n",
        "* crlf\n",
        "* binary\n",
    ];
    let contents: [&[u8]; 10] = [
        b"a\nb\nc\n",
        b"a\r\nb\r\nc\r\n",
        b"a\r\nb\nc\r\n",
        b"a\rb\r\nc\r\n",
        b"a\r\nb\0\r\nc\n",
        b"a\r\r\nb\r\n",
        b"\x01\x02\r\n\x03\r\n",
        b"a\r\nb",
        b"",
        b"\x1a",
    ];
    for setting in ["false", "true", "input"] {
        for attributes in attributes {
            let project = Project::new();
            project.git(&["config", "core.safecrlf", "false"]);
            // As they are: what is in the index may have line ends of its own.
            for (number, content) in contents.iter().enumerate() {
                project.write(format!("{number}"), content);
            }
            project.git(&["add", "."]);
            project.git(&["commit", "-qm", "contents"]);
            project.git(&["config", "core.autocrlf", setting]);
            project.write(".gitattributes", attributes);
            for (number, content) in contents.iter().cycle().skip(1).take(contents.len()).enumerate() {
                project.write(format!("{number}"), [content, &b"z\r\n"[..]].concat());
            }
            let state = project.state();
            project.snap(&["save", "x"]).exits(0);
            let expected = project.git(&["diff", "--numstat"]);
            let files = files(&project, &["x"]);
            for line in expected.lines() {
                let words: Vec<&str> = line.split('\t').collect();
                let [added, removed, name] = words[..] else { panic!("{line}") };
                // Whether there is a text to be shown is another question, and answered otherwise.
                if added == "-" || name == ".gitattributes" {
                    continue;
                }
                let file = files.iter().find(|file| file["path"] == name).must("a file that git lists");
                let counted = (file["added"].to_string(), file["removed"].to_string());
                let place = format!("{name} with {attributes:?} and autocrlf={setting}");
                if file["binary"] != true {
                    assert_eq!(counted, (added.to_owned(), removed.to_owned()), "{place}");
                }
            }
            project.git(&["checkout", "-q", "."]);
            project.snap(&["rewind", "x"]).exits(0);
            assert_eq!(project.state(), state, "{attributes:?} and autocrlf={setting}");
        }
    }
}

#[test]
fn a_real_change_of_line_ends_is_one_of_every_line() {
    let project = Project::new();
    project.write("a.txt", "one\r\ntwo\r\nthree\r\n");
    saves(&project, "x", "(+3 -3)");
}

#[test]
fn secrets_are_taken_out_of_what_git_compares_and_of_what_is_on_the_disk() {
    let secret = token("github classic", 7);
    for kind in &KINDS {
        let project = kind.project();
        let text = format!("{}GITHUB_TOKEN={secret}\nlast\n", lines(true));
        project.write(kind.file, (kind.encoded)(&text));
        let state = project.state();
        project.snap(&["save", "x"]).exits(0);
        let utf16: String = secret.chars().flat_map(|letter| [letter, '\0']).collect();
        assert_nowhere(&project.stored(""), &[&secret, &utf16]);
        if kind.name.contains("crlf") || kind.name.contains("UTF-16") {
            assert_eq!(counted(&project, &["x"], kind.file), (3, 1), "{}", kind.name);
        }
        project.git(&["checkout", "-q", "."]);
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(project.state(), state, "{}", kind.name);
    }
}

#[test]
fn a_secret_that_a_filter_keeps_out_of_git_is_not_in_the_snapshot_either() {
    let secret = token("github classic", 8);
    let project = Project::new();
    set(&project, "filter.hide.clean", &format!("sed s/{secret}/hidden/"));
    project.write(".gitattributes", "*.s filter=hide\n");
    project.write("k.s", "token hidden\nstays\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "hidden"]);
    project.write("k.s", format!("token {secret}\nstays\nmore\n"));
    let state = project.state();
    project.snap(&["save", "x"]).exits(0);
    assert_nowhere(&project.stored(""), &[&secret]);
    project.git(&["checkout", "-q", "."]);
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.state(), state);
}

#[test]
fn a_file_of_git_lfs_is_shown_as_its_pointer_and_kept_by_its_content() {
    let project = Project::new();
    let pointer = |digit: char, size: usize| {
        let id = digit.to_string().repeat(64);
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{id}\nsize {size}\n")
    };
    project.write("big.dat", pointer('0', 5));
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "a pointer, as in a clone without the program"]);
    project.write(".git/info/attributes", "*.dat filter=lfs diff=lfs merge=lfs -text\n");
    let content: Vec<u8> = (0..30_000_u32).flat_map(u32::to_le_bytes).collect();
    project.write("big.dat", &content);
    saves(&project, "x", "(+2 -2)");
    let shown = project.snap(&["diff", "x"]).exits(0).stdout;
    assert!(shown.contains("+size 120000"), "{shown}");
    project.write("big.dat", pointer('0', 5));
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.read("big.dat"), content);
}

#[test]
fn a_filter_that_fails_keeps_no_file_from_being_saved() {
    let project = Project::new();
    project.write(".gitattributes", "*.f filter=fails\n*.u working-tree-encoding=UTF-16LE\n");
    for name in ["a.f", "b.f"] {
        project.write(name, "content\n");
    }
    project.write("c.u", utf16("one\ntwo\n"));
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "before"]);
    set(&project, "filter.fails.clean", "false");
    set(&project, "filter.fails.required", "true");
    for name in ["a.f", "b.f"] {
        project.write(name, "content\nand more\n");
    }
    project.write("c.u", utf16("one\nTWO\n"));
    saves(&project, "x", "(+3 -1)");
    project.write("a.f", "lost\n");
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.read("a.f"), b"content\nand more\n");
}

#[test]
fn a_lost_diff_of_a_converted_file_is_made_anew_from_what_is_on_the_disk() {
    for kind in &KINDS {
        let project = kind.project();
        let long: String = (0..400).map(|n| format!("a line that is new: {n}\n")).collect();
        project.write(kind.file, (kind.encoded)(&format!("{}{long}", lines(false))));
        let state = project.state();
        project.snap(&["save", "x"]).exits(0);
        let largest =
            project.objects().into_iter().max_by_key(|path| fs::metadata(path).map_or(0, |meta| meta.len()));
        fs::remove_file(largest.must("an object")).must("to remove");
        project.snap(&["verify"]).exits(1);
        project.snap(&["verify", "--repair"]).exits(0);
        project.git(&["checkout", "-q", "."]);
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(project.state(), state, "{}", kind.name);
    }
}
