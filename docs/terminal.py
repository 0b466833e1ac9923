#!/usr/bin/env python3
"""Draws docs/terminal.svg, the picture in the README, from what `snap` really prints on a terminal.

    docs/terminal.py target/debug/snap

Works in a temporary folder with a home of its own and a small made-up session. Needs git, nothing else.
"""

import html
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile

COLUMNS, LINE, CHARACTER, MARGIN = 92, 19, 8.4, 16
SESSION = "c137e379-838e-4509-8148-16b407691758"
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "35": "#d2a8ff", "36": "#56d4dd"}


def main():
    snap = os.path.abspath(sys.argv[1])
    folder = os.path.realpath(tempfile.mkdtemp(prefix="snap-picture-"))
    try:
        home, app = os.path.join(folder, "ada"), os.path.join(folder, "ada", "app")
        environment = {
            "PATH": os.environ["PATH"], "HOME": home, "USER": "ada", "TERM": "xterm-256color", "LANG": "C.UTF-8",
            "CLAUDE_CONFIG_DIR": os.path.join(home, ".claude"), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org",
            "GIT_AUTHOR_DATE": "2026-11-21T00:00:00Z", "GIT_COMMITTER_DATE": "2026-11-21T00:00:00Z",
        }
        prepare(home, app, environment)
        shown = []
        for words in (
            ["save", "before refactor", "-m", "the old parser still works"],
            ["show"],
            None,
            ["resume", "--no-run"],
        ):
            if words is None:
                shown.append(("rm src/lexer.rs && git checkout -q src/parser.rs", b""))
                os.remove(os.path.join(app, "src/lexer.rs"))
                git(app, environment, "checkout", "-q", "src/parser.rs")
                continue
            text = on_a_terminal([snap, *words], app, environment)
            typed = " ".join(f'"{word}"' if " " in word else word for word in words)
            shown.append((f"snap {typed}", tidy(text, folder)))
        target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "terminal.svg")
        with open(target, "w", encoding="utf-8") as file:
            file.write(picture(shown))
    finally:
        shutil.rmtree(folder)


def prepare(home, app, environment):
    """A repository with two edits, and a session with two tasks and a sub-agent."""
    os.makedirs(os.path.join(app, "src"))
    write(app, "src/parser.rs", "pub fn parse(text: &str) -> Tree {\n    todo()\n}\n")
    git(app, environment, "init", "-q", "-b", "main")
    git(app, environment, "add", ".")
    git(app, environment, "commit", "-q", "-m", "first")
    write(app, "src/parser.rs", "pub fn parse(text: &str) -> Tree {\n    Tree::of(lex(text))\n}\n")
    write(app, "src/lexer.rs", "pub fn lex(text: &str) -> Vec<Token> {\n    Vec::new()\n}\n")
    client = os.path.join(home, ".claude")
    slug = re.sub("[^A-Za-z0-9]", "-", app)
    base = {"cwd": app, "sessionId": SESSION, "version": "2.1.332", "timestamp": "2026-11-21T01:19:35.028Z"}
    turns = []
    for number in range(12):
        role = "assistant" if number % 2 else "user"
        message = {"role": role, "content": "go on" if role == "user" else [{"type": "text", "text": "Done."}]}
        if role == "assistant":
            message["model"] = "claude-opus-5-5"
        parent = f"u{number - 1}" if number else None
        turns.append({"type": role, "uuid": f"u{number}", "parentUuid": parent, **base, "message": message})
    project = f"{client}/projects/{slug}"
    write(project, f"{SESSION}.jsonl", "".join(json.dumps(turn) + "\n" for turn in turns))
    agent = {"agentType": "Explore", "description": "find all callers", "finished": True}
    write(project, f"{SESSION}/subagents/agent-ag1.meta.json", json.dumps(agent))
    record = {"type": "user", "uuid": "a1", "isSidechain": True, "agentId": "ag1", "sessionId": SESSION,
              "message": {"role": "user", "content": "look"}}
    write(project, f"{SESSION}/subagents/agent-ag1.jsonl", json.dumps(record) + "\n")
    for number, subject, status in ((1, "Write the lexer", "completed"), (2, "Write the parser", "in_progress")):
        task = {"id": str(number), "subject": subject, "status": status}
        write(client, f"tasks/{SESSION}/{number}.json", json.dumps(task))


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def git(folder, environment, *words):
    environment = {**environment, "GIT_CONFIG_GLOBAL": os.path.join(folder, "no gitconfig")}
    subprocess.run(["git", *words], cwd=folder, env=environment, check=True)


def on_a_terminal(command, folder, environment):
    """Runs a command on a terminal of its own; returns everything that it prints."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve(command[0], command, {**environment, "COLUMNS": str(COLUMNS)})
    import fcntl, struct, termios
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    text = b""
    while True:
        try:
            block = os.read(terminal, 65536)
        except OSError:
            break
        if not block:
            break
        text += block
    os.waitpid(child, 0)
    return text


def tidy(text, folder):
    """Shortens what differs from machine to machine."""
    text = text.replace(folder.encode(), b"/home")
    return text.replace(os.uname().nodename.encode(), b"laptop")


def styled(line):
    """One line with its colours, as spans."""
    out, style = "", ""
    for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z])", line):
        if part.startswith("\x1b["):
            if not part.endswith("m"):
                continue
            codes = part[2:-1].split(";")
            fill = next((COLOURS[code] for code in codes if code in COLOURS), None)
            style = f' fill="{fill}"' if fill else ""
            style += ' font-weight="bold"' if "1" in codes else ""
            style += ' opacity="0.6"' if "2" in codes else ""
        elif part:
            out += f"<tspan{style}>{html.escape(part)}</tspan>"
    return out


def picture(shown):
    lines = []
    for command, text in shown:
        lines.append(f'<tspan fill="#7ee787">$</tspan> <tspan font-weight="bold">{html.escape(command)}</tspan>')
        text = text.decode("utf-8", "replace").replace("\r\n", "\n")
        # What a progress bar leaves before the cursor goes back.
        text = re.sub(r"[^\n]*\r", "", text)
        lines += [styled(line) for line in text.rstrip("\n").split("\n")] if text.strip() else []
        lines.append("")
    lines.pop()
    width, height = round(COLUMNS * CHARACTER + 2 * MARGIN), len(lines) * LINE + 2 * MARGIN
    rows = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + 14 + number * LINE}" xml:space="preserve">{line}</text>'
        for number, line in enumerate(lines) if line
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>\n{rows}\n</svg>\n'
    )


main()
