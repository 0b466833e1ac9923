//! `snap report` of sessions that somebody else wrote to do harm: attacks in every field, and nothing of them becomes part
//! of the page.

use std::fs;

use serde_json::json;

use crate::report::{ID, answered, asked, called, result, transcript, worked};
use crate::support::Must;
use crate::support::page::Page;
use crate::support::project::Project;

/// What would do harm in a page, a script, an attribute, a style or a comment.
pub(crate) const ATTACKS: [&str; 10] = [
    "</script><script>__pwn()</script>",
    "<img src=x onerror=__pwn()>",
    "\" onmouseover=\"__pwn()\" style=\"position:fixed;inset:0",
    "' onload='__pwn()",
    "<!--<script>",
    "</style></title></main><svg onload=__pwn()>",
    "[x](javascript:__pwn()) ![i](http://evil.test/i.png)",
    "```x\" onanimationstart=\"__pwn()\" style=\"animation:spin 1s",
    "\u{202e}gnp.exe\u{2066}\u{0}\u{1b}[2J\u{2028}",
    "&lt;script&gt;__pwn()&#x3c;/script&#62;",
];

/// Writes a session with an attack in every field.
pub(crate) fn attacked(attack: &str) -> Project {
    let project = worked();
    let file = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    let mut decided = result(
        "t1",
        attack,
        json!({"agentId": attack, "task": {"id": attack},
        "structuredPatch": [{"lines": [format!("+{attack}")]}]}),
    );
    decided["permissionDecision"] =
        json!({"decision": attack, "source": "user_temporary", "grantScope": attack});
    let records = [
        asked(attack),
        answered(json!([{"type": "thinking", "thinking": attack}, {"type": "text", "text": attack}])),
        called("t1", attack, json!({"command": attack, "file_path": attack, attack: attack, "url": attack})),
        decided,
        called("t2", "Edit", json!({"file_path": attack, "old_string": "x", "new_string": attack})),
        result("t2", attack, json!({})),
        called("t3", "Agent", json!({"description": attack, "prompt": attack})),
        called("t4", "TaskUpdate", json!({"taskId": attack, "status": attack})),
        json!({"type": "system", "subtype": attack, "content": attack}),
        json!({"type": attack, "content": attack}),
        json!({"type": "attachment", "attachment": {"type": attack}}),
        json!({"type": "user", "isCompactSummary": true, "message": {"role": "user", "content": attack}}),
        json!({"type": "user", "message": {"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": attack, "data": attack}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": format!("iVBORw0KGgoAAAANSUhEUgAA{attack}")}}]}}),
        json!({"type": "custom-title", "customTitle": attack, "sessionId": ID}),
        json!({"type": "queue-operation", "operation": "enqueue", "content": attack, "sessionId": ID}),
        json!({"type": "assistant", "version": attack, "permissionMode": attack,
               "message": {"role": "assistant", "model": attack, "content": [{"type": "text", "text": attack}]}}),
    ];
    transcript(&project, &file, &records);
    let agents = file.with_extension("").join("subagents");
    let meta = json!({"agentType": attack, "description": attack});
    for entry in fs::read_dir(&agents).must("agents").flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "json") {
            fs::write(entry.path(), meta.to_string()).must("written");
        }
    }
    let task = json!({"id": attack, "subject": attack, "description": attack, "status": attack, "blockedBy": [attack],
                      "owner": attack});
    fs::write(project.home.tasks(ID).join("3.json"), task.to_string()).must("a task");
    let settings = json!({"permissions": {"allow": [format!("Bash({attack})")], "deny": [attack]}});
    project.write(".claude/settings.json", settings.to_string());
    let name: String = attack.chars().filter(|c| !matches!(c, '/' | '\0')).collect();
    // A name has at most 255 bytes.
    let name: String = name.chars().take(80).collect();
    project.write(&name, format!("{attack}\n"));
    project.write("a.txt", format!("{attack}\n"));
    project
}

#[test]
fn nothing_of_a_session_becomes_part_of_its_page() {
    for attack in ATTACKS {
        let project = attacked(attack);
        project.snap(&["save", "x", "-m", &attack.replace('\0', "")]);
        project.snap(&["report", "x", "-o", "page.html"]);
        // That it has no tag and no attribute but ours is checked when it is read.
        let page = Page::read(&project.read("page.html"));
        let (before, rest) = page.html.split_at(page.html.find("<title").must("a head"));
        assert!(!before.contains("__pwn") && !before.contains("evil.test"), "{attack}");
        assert!(!rest.contains(['\u{202e}', '\u{2066}', '\u{0}', '\u{1b}']), "{attack}");
        let prompts = page.said('p');
        assert!(
            prompts.iter().any(|said| said == attack.trim()),
            "{attack}: it is shown as it is: {prompts:?}"
        );
        // An image is only what is base64, and begins as one.
        assert_eq!(page.said('i'), Vec::<String>::new(), "{attack}");
    }
}

#[test]
fn nothing_of_a_session_becomes_markup_in_a_note() {
    for attack in ATTACKS {
        let project = attacked(&format!("{attack} @everyone"));
        project.snap(&["save", "x"]);
        let note = project.snap(&["report", "x", "--format", "markdown"]).exits(0).stdout;
        let (mut outside, mut in_block) = (String::new(), false);
        for event in pulldown_cmark::Parser::new(&note) {
            match event {
                pulldown_cmark::Event::Start(pulldown_cmark::Tag::CodeBlock(_)) => in_block = true,
                pulldown_cmark::Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_block = false,
                pulldown_cmark::Event::Text(text) if !in_block => outside.push_str(&text),
                pulldown_cmark::Event::Html(html) | pulldown_cmark::Event::InlineHtml(html) => {
                    panic!("{attack}: {html}")
                }
                pulldown_cmark::Event::Start(
                    pulldown_cmark::Tag::Link { .. } | pulldown_cmark::Tag::Image { .. },
                ) => panic!("{attack}: a link in {note}"),
                _ => {}
            }
        }
        // What is said is in code, and so is every name.
        assert!(note.contains("@everyone") && !outside.contains("@everyone"), "{attack}: {note}");
    }
}

#[test]
fn a_report_of_a_snapshot_without_a_conversation_is_one_too() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["report", "-o", "page.html"]).exits(0);
    let page = Page::read(&project.read("page.html"));
    assert_eq!(page.items(), []);
    assert_eq!(page.index["threads"].as_array().map(Vec::len), Some(1));
    assert_eq!(page.edits().len(), 1);
}
