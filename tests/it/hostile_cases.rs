//! Hostile snapshots, generated: one function a family, from one sound manifest.

use claude_snap::base::digest::GitHash;
use claude_snap::manifest::seal;
use serde_json::{Value, json};

use crate::support::Must;

/// What every hostile file would hold.
pub(crate) const EVIL: &str = "evil\n";

/// A snapshot that somebody made to do harm.
pub(crate) struct Case {
    /// What it tries, unique; its file in the store has it in its name.
    pub(crate) what: String,
    /// The manifest's bytes.
    pub(crate) json: Vec<u8>,
}

/// Makes all cases that are nothing but a manifest.
pub(crate) fn manifests(sound: &Value) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |what: String, json: Vec<u8>| cases.push(Case { what, json });
    for (number, path) in paths().into_iter().enumerate() {
        add(format!("path {number}"), with_edits(sound, vec![edit(&path, "100644", EVIL)]));
        add(
            format!("place {number}"),
            changed(sound, |m| {
                let place = match &path {
                    Value::String(text) => json!(format!("session/{text}")),
                    hex if hex["hex"].is_string() => {
                        json!({"hex": format!("{}{}", to_hex(b"session/"), hex["hex"].as_str().must("hex"))})
                    }
                    other => other.clone(),
                };
                m["session"]["files"] = json!([{"place": place, "size": 5, "content": {"text": EVIL}}]);
            }),
        );
    }
    for (number, mode) in
        ["104755", "100777", "000000", "160000", "040000", "120000 ", "100664", ""].iter().enumerate()
    {
        add(
            format!("mode {number}"),
            with_edits(sound, vec![edit(&json!(format!("mode{number}")), mode, EVIL)]),
        );
    }
    for (number, target) in
        ["/etc/passwd", "../outside", "..", "/", ".git/hooks", "", "a\u{1b}[2J", &"x".repeat(5_000)]
            .iter()
            .enumerate()
    {
        let link = format!("link{number}");
        add(format!("link {number}"), with_edits(sound, vec![edit(&json!(link), "120000", target)]));
        let beneath = format!("{link}/evil");
        add(
            format!("beneath link {number}"),
            with_edits(
                sound,
                vec![edit(&json!(link), "120000", target), edit(&json!(beneath), "100644", EVIL)],
            ),
        );
    }
    let twice =
        [("same", "same"), ("d", "d/evil"), ("d/e/evil", "d"), ("Same", "same"), ("\u{e9}", "e\u{301}")];
    for (number, (one, other)) in twice.iter().enumerate() {
        let edits = vec![
            edit(&json!(format!("t{number}{one}")), "100644", EVIL),
            edit(&json!(format!("t{number}{other}")), "100644", EVIL),
        ];
        add(format!("twice {number}"), with_edits(sound, edits));
    }
    for (number, id) in ids().iter().enumerate() {
        add(format!("session id {number}"), changed(sound, |m| m["session"]["id"] = json!(id)));
        add(format!("agent id {number}"), changed(sound, |m| m["agents"][0]["id"] = json!(id)));
        add(
            format!("task id {number}"),
            changed(sound, |m| m["tasks"][0] = json!({"id": id, "subject": "x"})),
        );
        add(format!("id {number}"), changed(sound, |m| m["id"] = json!(id)));
        add(format!("parent {number}"), changed(sound, |m| m["parent"] = json!(id)));
    }
    for (number, object) in
        ["", "../../evil", &"0".repeat(64), &"A".repeat(64), &"0".repeat(63)].iter().enumerate()
    {
        for size in
            [json!(0), json!(5), json!(1_u64 << 40), json!(-1), json!(u64::MAX), json!(1e300), json!("5")]
        {
            let mut one = edit(&json!(format!("object{number}")), "100644", EVIL);
            one["diff"] = json!({"form": "whole", "bytes": size, "object": object, "size": size});
            add(format!("object {number} {size}"), with_edits(sound, vec![one]));
        }
    }
    for (number, hunks) in hunks().iter().enumerate() {
        let mut one = edit(&json!("a.txt"), "100644", EVIL);
        one["diff"] = json!({"form": "hunks", "bytes": 5, "text": hunks});
        one["change"] = json!("modified");
        one["old"] = sound["edits"]["files"][0]["old"].clone();
        add(format!("hunks {number}"), with_edits(sound, vec![one]));
        let mut delta = edit(&json!(format!("delta{number}")), "100644", EVIL);
        delta["diff"] = json!({"form": "delta", "bytes": 1_u64 << 33, "text": hunks});
        add(format!("delta {number}"), with_edits(sound, vec![delta]));
    }
    for (number, time) in
        ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-01T00:00:00Z", "", "1e18", "-1"]
            .iter()
            .enumerate()
    {
        add(format!("time {number}"), changed(sound, |m| m["created_at"] = json!(time)));
    }
    for (number, text) in texts().iter().enumerate() {
        for key in ["message", "name"] {
            // A name must be found again.
            let text = if key == "name" { format!("text {number} name{text}") } else { text.clone() };
            add(format!("text {number} {key}"), changed(sound, |m| m[key] = json!(text)));
        }
        add(
            format!("text {number} everywhere"),
            changed(sound, |m| {
                m["created_by"]["user"] = json!(text);
                m["created_by"]["host"] = json!(text);
                m["workspace"]["branch"] = json!(text);
                m["workspace"]["worktree"] = json!(text);
                m["session"]["title"] = json!(text);
                m["session"]["status"] = json!(text);
                m["session"]["waiting_for"] = json!(text);
                m["session"]["model"] = json!(text);
                m["agents"][0]["description"] = json!(text);
                m["agents"][0]["evidence"] = json!(text);
                m["queue"] = json!([text]);
                m["permissions"]["mode"] = json!(text);
                m["permissions"]["project"]["allow"] = json!([{"rule": text, "file": text}]);
                m["permissions"]["session"] =
                    json!([{"tool": text, "detail": text, "decision": text, "scope": text, "at": null}]);
                m["not_captured"]["processes"] = json!([text]);
                m["not_captured"]["mcp_servers"] = json!([{"name": text, "transport": text, "used": true}]);
                m["not_captured"]["teams"] = json!([text]);
                m["session"]["effort"] = json!(text);
                m["session"]["output_style"] = json!(text);
                m["session"]["restrictions"] = json!([text]);
                m["session"]["added_folders"] = json!([text]);
                m["session"]["scripts"] = json!([{"place": "session-env/a.sh", "text": text}]);
                m["not_captured"]["environment"] = json!([text]);
                m["edits"]["skipped"] = json!([{"path": text, "reason": text}]);
                m["edits"]["operation"] = json!(text);
                m["tasks"] = json!([{"id": "1", "subject": text, "status": text, "blockedBy": [text]}]);
            }),
        );
    }
    for (number, place) in [
        "/",
        "/etc",
        "relative",
        "",
        "/proc/self",
        "/\u{1b}[2J",
        &format!("/{}", "x/".repeat(3_000)),
        &format!("/{}", "x/".repeat(2_000)),
    ]
    .iter()
    .enumerate()
    {
        add(
            format!("workspace {number}"),
            changed(sound, |m| {
                m["workspace"]["root"] = json!(place);
                m["workspace"]["home"] = json!(place);
                m["workspace"]["config_dir"] = json!(place);
                m["session"]["cwd"] = json!(place);
                m["workspace"]["others"] = json!([place, place]);
            }),
        );
    }
    for (number, base) in
        ["", "HEAD", "--output=/tmp/evil", "-x", "refs/heads/main", &"0".repeat(40), "HEAD^{tree}", "a\nb"]
            .iter()
            .enumerate()
    {
        add(format!("base {number}"), changed(sound, |m| m["edits"]["base"] = json!(base)));
        let mut one = edit(&json!(format!("base{number}")), "100644", EVIL);
        one["old"] = json!({"oid": base, "mode": "100644"});
        one["new"]["oid"] = json!(base);
        add(format!("oid {number}"), with_edits(sound, vec![one]));
    }
    let key = |key: &str, value: Value| changed(sound, |m| m[key] = value);
    add("format 0".into(), key("format", json!(0)));
    add("format next".into(), key("format", json!(2)));
    add("format huge".into(), key("format", json!(u64::MAX)));
    add("requires".into(), key("requires", json!(["evil\u{1b}[2J"])));
    add("unknown keys".into(), key("evil", json!({"path": "../../evil"})));
    add(
        "safety".into(),
        key("safety", json!({"restores": "0".repeat(32), "name": "x", "paths": ["../evil"]})),
    );
    add("state".into(), key("state", json!("x")));
    add("null tasks".into(), key("tasks", Value::Null));
    many(sound, &mut add);
    add(
        "transcript sizes".into(),
        changed(sound, |m| {
            m["session"]["transcript"]["bytes"] = json!(u64::MAX);
            m["session"]["transcript"]["records"] = json!(u64::MAX);
        }),
    );
    for (number, raw) in broken_json(sound).into_iter().enumerate() {
        add(format!("json {number}"), raw);
    }
    cases
}

/// More than a snapshot of somebody else may set, and than anybody needs.
const MANY: usize = 11_000;

/// Snapshots with very many of something.
fn many(sound: &Value, add: &mut impl FnMut(String, Vec<u8>)) {
    let list = |make: &dyn Fn(usize) -> Value| -> Value { (0..MANY).map(make).collect() };
    let mut one =
        |what: &str, change: &dyn Fn(&mut Value)| add(format!("many {what}"), changed(sound, change));
    one("tasks", &|m| m["tasks"] = list(&|n| json!({"id": n.to_string()})));
    one("tasks of one id", &|m| m["tasks"] = list(&|_| json!({"id": "1"})));
    one("agents", &|m| {
        let agent = m["agents"][0].clone();
        m["agents"] = list(&|n| {
            let mut agent = agent.clone();
            agent["id"] = json!(format!("a{n}"));
            agent
        });
    });
    one("files of the session", &|m| {
        m["session"]["files"] =
            list(&|n| json!({"place": format!("session/x/{n}"), "size": 5, "content": {"text": EVIL}}));
    });
    one("scripts, notes and folders", &|m| {
        m["session"]["scripts"] = list(&|n| json!({"place": format!("session-env/{n}.sh"), "text": EVIL}));
        m["session"]["elsewhere"] = list(&|n| json!({"place": format!("memory/{n}.md"), "text": EVIL}));
        m["session"]["added_folders"] = list(&|n| json!(format!("/added/{n}")));
        m["session"]["restrictions"] = list(&|n| json!(format!("--evil{n}")));
    });
    one("edits", &|m| m["edits"]["files"] = list(&|n| edit(&json!(format!("many/{n}")), "100644", EVIL)));
    one("edits of concern", &|m| {
        m["edits"]["files"] = list(&|n| edit(&json!(format!("{n}/CLAUDE.md")), "100644", EVIL));
    });
    one("prompts", &|m| m["queue"] = list(&|n| json!(format!("do {n}"))));
    one("texts", &|m| {
        m["not_captured"]["processes"] = list(&|n| json!(format!("sleep {n}")));
        m["not_captured"]["environment"] = list(&|n| json!(format!("NAME_{n}")));
        m["not_captured"]["mcp_servers"] = list(&|n| json!({"name": format!("s{n}"), "transport": "stdio"}));
        m["edits"]["skipped"] = list(&|n| json!({"path": format!("left/{n}"), "reason": "large"}));
        m["secrets"] = list(
            &|n| json!({"id": format!("{n:012}"), "kind": "known", "names": [format!("N{n}")], "places": ["x"], "times": 1}),
        );
    });
    one("rules", &|m| {
        m["permissions"]["project"]["allow"] =
            list(&|n| json!({"rule": format!("Bash({n}:*)"), "file": "x"}));
        m["permissions"]["project"]["deny"] = list(&|n| json!({"rule": format!("Read({n})"), "file": "x"}));
        m["permissions"]["session"] = list(
            &|n| json!({"tool": "Bash", "detail": format!("run {n}"), "decision": "accept", "scope": "session", "at": null}),
        );
    });
    one("others", &|m| {
        m["workspace"]["root"] = json!("/elsewhere");
        m["workspace"]["others"] = list(&|n| json!(format!("/other/place/{n}")));
    });
    one("pieces", &|m| {
        let chunk = m["session"]["transcript"]["chunks"][0].clone();
        m["session"]["transcript"]["chunks"] =
            (0..5).flat_map(|_| list(&|_| chunk.clone()).as_array().cloned()).flatten().collect();
    });
    one("bytes", &|m| {
        let object = m["session"]["transcript"]["chunks"][0]["object"].clone();
        m["session"]["transcript"]["chunks"] = list(&|_| json!({"object": object, "size": 1_u64 << 32}));
    });
}

/// A manifest with other edits.
pub(crate) fn with_edits(sound: &Value, edits: Vec<Value>) -> Vec<u8> {
    changed(sound, |m| m["edits"]["files"] = Value::Array(edits))
}

/// A manifest with something changed, sealed as if it were sound; each has an id of its own.
pub(crate) fn changed(sound: &Value, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut manifest = sound.clone();
    manifest["id"] = json!(claude_snap::base::ids::SnapshotId::random());
    change(&mut manifest);
    sealed(manifest)
}

fn sealed(mut manifest: Value) -> Vec<u8> {
    for proof in ["checksum", "mac", "signature"] {
        manifest.as_object_mut().must("an object").remove(proof);
    }
    let mut json = serde_json::to_vec_pretty(&manifest).must("JSON");
    json.truncate(json.len() - 2);
    json.extend_from_slice(format!(",\n  \"checksum\": \"{}\"\n}}\n", "0".repeat(64)).as_bytes());
    seal(json).must("sealed")
}

/// The entry of a new file.
pub(crate) fn edit(path: &Value, mode: &str, content: &str) -> Value {
    json!({"path": path, "change": "added", "old": null, "index": "unstaged", "added": 1, "removed": 0,
           "new": {"oid": GitHash::Sha1.blob_id(content.as_bytes()), "mode": mode},
           "diff": {"form": "whole", "bytes": content.len(), "text": content}})
}

fn to_hex(bytes: &[u8]) -> String {
    claude_snap::base::digest::to_hex(bytes)
}

/// Paths that lead out of the tree, into git, or that another system reads in another way.
pub(crate) fn paths() -> Vec<Value> {
    let mut all: Vec<String> = [
        "..",
        "../evil",
        "../../outside/evil",
        "a/../../evil",
        "a/..",
        "./evil",
        ".",
        "",
        "/",
        "//evil",
        "a//evil",
        "/outside/evil",
        "a/./evil",
        "evil/",
        "\0",
        "a\0/../../evil",
        ".git",
        ".git/hooks/post-checkout",
        ".git/config",
        "sub/.git",
        "sub/.git/config",
        ".Git/evil",
        ".GIT/hooks/evil",
        ".git /evil",
        ".git./evil",
        ".git. . /evil",
        ".git::$INDEX_ALLOCATION/evil",
        ".git:x/evil",
        "git~1/evil",
        "GIT~1/evil",
        "Git~1 /evil",
        ".git\u{200c}/evil",
        "a\\..\\..\\evil",
        "..\\evil",
        "C:\\evil",
        "C:evil",
        "\\\\server\\share\\evil",
        "\\\\?\\C:\\evil",
        "\\??\\C:\\evil",
        "CON",
        "nul.txt",
        "COM1",
        "com¹",
        "LPT9.log",
        "CONIN$",
        "evil.",
        "evil ",
        "evil\r",
        "evil\n",
        "\u{1b}[2Jevil",
        "\u{202e}evil",
        "ev\u{200b}il",
        ".jj/evil",
        ".hg/evil",
        ".claude/snapshots/evil.json",
        ".claude/snapshots/objects/00/evil",
        ".claude/settings.json",
        ".claude/settings.local.json",
        ".mcp.json",
        "CLAUDE.md",
        ".claude/hooks/evil.sh",
        ".claude/agents/evil.md",
        ".gitattributes",
        ".gitmodules",
        ".envrc",
    ]
    .map(str::to_owned)
    .into();
    let ignored = [
        '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
        '\u{202e}', '\u{206a}', '\u{206b}', '\u{206c}', '\u{206d}', '\u{206e}', '\u{206f}', '\u{feff}',
    ];
    all.extend(ignored.iter().map(|c| format!(".g{c}it/evil")));
    all.push(format!("{}/evil", "x".repeat(256)));
    all.push("x/".repeat(2_500) + "evil");
    all.push("d/".repeat(200) + "evil");
    let mut all: Vec<Value> = all.into_iter().map(Value::from).collect();
    for bytes in [&b"\xff"[..], b"\xc0\xae\xc0\xae/evil", b"../evil", b".git/evil", b"a\0b", b""] {
        all.push(json!({"hex": to_hex(bytes)}));
    }
    all.extend([
        json!({"hex": "2E2e"}),
        json!({"hex": "0"}),
        json!({"hex": "zz"}),
        json!(7),
        Value::Null,
        json!(["a"]),
    ]);
    all
}

fn ids() -> Vec<String> {
    let long = "x".repeat(129);
    [
        "",
        ".",
        "..",
        "../evil",
        "/evil",
        "a/b",
        "-rf",
        ".hidden",
        "a\0b",
        "CON",
        "a b",
        "a\nb",
        "\u{1b}[2J",
        &long,
    ]
    .map(str::to_owned)
    .into()
}

fn texts() -> Vec<String> {
    [
        "\u{1b}[2J\u{1b}[H",
        "\u{1b}]0;evil\u{7}",
        "\u{9b}31m",
        "\u{202e}live",
        "a\u{200b}b\u{feff}",
        "\r\nerror: fake",
        "\u{e0041}\u{2028}",
        "\u{7f}\u{8}",
        "--help",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([" ".repeat(3_000) + "hidden"])
    .collect()
}

fn hunks() -> Vec<String> {
    let lines = [
        "",
        "@@",
        "@@ -1 +1 @@\n",
        "@@ -0,0 +1 @@\n+evil\n",
        "@@ -1,3 +1 @@\n-one\n-two\n-three\n+evil\n",
        "@@ -1,999999999999 +1 @@\n",
        "@@ -18446744073709551615 +1 @@\n-x\n+y\n",
        "@@ -1 +1 @@\n-one\n+evil\n\\ No newline",
        "--- a/../../evil\n+++ b/../../evil\n@@ -0,0 +1 @@\n+evil\n",
        "@@ -2 +1 @@\n-two\n+evil\n@@ -1 +1 @@\n-one\n+evil\n",
        "@@ -1 +1 @@\n one\n",
        "\0",
        "@@ -1 +1 @@\n-one\n+evil\n@@ -1 +1 @@\n-one\n+evil\n",
    ];
    lines.map(str::to_owned).into()
}

/// Texts that are no sound JSON, or more of it than anybody needs.
fn broken_json(sound: &Value) -> Vec<Vec<u8>> {
    let text = String::from_utf8(sealed(sound.clone())).must("text");
    let resealed = |text: String| seal(text.into_bytes()).must("sealed");
    let insert = |what: &str| resealed(text.replacen("{\n", &format!("{{\n{what}\n"), 1));
    vec![
        insert("  \"format\": 1,"),
        insert("  \"evil\": NaN,"),
        insert("  \"evil\": 1e999,"),
        insert(&format!("  \"evil\": {}{},", "[".repeat(100_000), "]".repeat(100_000))),
        insert(&format!("  \"evil\": {}1{},", "{\"a\":".repeat(5_000), "}".repeat(5_000))),
        insert("  \"evil\": \"\\ud800\","),
        insert(&format!("  \"evil\": {},", "9".repeat(100_000))),
        insert(&format!("  \"evil\": [{}0],", "0,".repeat(4_000_000))),
        insert(&format!("  \"queue\": [{}\"\"],", "\"\",".repeat(3_500_000))),
        resealed(format!("\u{feff}{text}")),
        resealed(format!("{text}{text}")),
        resealed(text.replacen('{', "[", 1)),
        text.replace("checksum", "checksun").into_bytes(),
        Vec::new(),
        b"{}".to_vec(),
        b"null\n".to_vec(),
        vec![0; 1 << 20],
        vec![b'['; 1 << 20],
    ]
}
