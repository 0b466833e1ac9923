#!/usr/bin/env python3
"""What a person waits for, each beside what git or the shell takes for it: of one build, or of two.

    benches/instant.py target/release/snap                     the figures beside those on record
    benches/instant.py target/release/snap --against OLD       two builds, each beside the same reference
    benches/instant.py target/release/snap --record            writes the figures to benches/instant.json

Each command is run in turns with its reference. Printed are medians in ms (for the hook, what the 95th percentile adds to a hook
that does nothing) and how many times as long that is as the reference. The processor time of both is compared too: it tells two
builds apart on a busy machine. With --against, the exit code is 1 if a figure is more than a tenth worse in both. A place is made
for each build, with a home of its own. It takes about four minutes for a build, and 2 GB in the temporary folder.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECORD = Path(__file__).with_suffix(".json")
SESSION = "c137e379-838e-4509-8148-16b407691758"
ROUNDS = 11
HOOKS = 60
WORSE = 1.1
# What the figures are to be at most: times the reference, or ms.
GOALS = {
    "first save, 20 edits": 1.15,
    "save again, 10 KB more in 60 MB": 1.5,
    "rewind of 2,000 edits": 1.5,
    "hook before a risky step, a new edit": 30,
    "hook that lets pass": 2.5,
    "--version": 2,
}


class Place:
    """A repository with a home, and a session if one was begun."""

    def __init__(self, files):
        # The client's names of folders are made from real paths.
        self.folder = Path(tempfile.mkdtemp(prefix="snap-instant-")).resolve()
        self.root = self.folder / "app"
        self.root.mkdir()
        self.files = files
        self.environment = {
            "PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "CLAUDE_CONFIG_DIR": str(self.folder / "config"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        for role in ["AUTHOR", "COMMITTER"]:
            self.environment |= {f"GIT_{role}_NAME": "Ada", f"GIT_{role}_EMAIL": "ada@example.org"}
        self.git("init", "-q", "-b", "main")
        stream = ["commit refs/heads/main\ncommitter Ada <ada@example.org> 1700000000 +0000\ndata 2\nx\n\n"]
        for number in range(files):
            text = content(number)
            stream.append(f"M 100644 inline {path(number)}\ndata {len(text)}\n{text}\n")
        ignored = ".claude/\n"
        stream.append(f"M 100644 inline .gitignore\ndata {len(ignored)}\n{ignored}\n")
        self.git("fast-import", "--quiet", given="".join(stream))
        self.git("repack", "-adfq")
        self.clean()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def git(self, *arguments, given=None):
        command = ["git", *arguments]
        ran = subprocess.run(command, cwd=self.root, env=self.environment, input=given, text=True, capture_output=True)
        if ran.returncode:
            sys.exit(f"{command}: {ran.stderr}")
        return ran.stdout

    def clean(self):
        """Brings this bench's own repository back to its commit."""
        self.git("checkout", "-q", "-f", "main")
        self.git("read-tree", "--reset", "-u", "HEAD")
        self.git("status", "--porcelain")

    def edit(self, edits):
        """Edits files all over the tree; of every second one the edit is staged."""
        self.clean()
        chosen = [number * (self.files // edits) for number in range(edits)]
        for number in chosen:
            (self.root / path(number)).write_text(content(number, f"edit of {edits}"))
        self.git("add", "--pathspec-from-file=-", given="".join(f"{path(number)}\n" for number in chosen[::2]))
        self.git("status", "--porcelain")

    def transcript(self):
        slug = re.sub(r"[^A-Za-z0-9]", "-", str(self.root))
        return self.folder / "config" / "projects" / slug / f"{SESSION}.jsonl"

    def converse(self, size):
        """Adds so many bytes to the conversation."""
        self.transcript().parent.mkdir(parents=True, exist_ok=True)
        with self.transcript().open("a") as file:
            before = file.tell()
            while file.tell() - before < size:
                number = file.tell()
                text = "".join(f"fn work_{number + line}() {{ /* src/{number}.rs */ }}\n" for line in range(40))
                file.write(json.dumps({
                    "isSidechain": False, "type": "user", "uuid": f"{number:08x}-0000-4000-8000-000000000000",
                    "timestamp": "2026-11-21T01:19:35.028Z", "cwd": str(self.root), "sessionId": SESSION, "version": "2.1.329",
                    "message": {"role": "user", "content": text},
                }) + "\n")

    def run(self, *command, given=b""):
        """Runs a command; returns what it took: ms, and ms of processor time."""
        begun = time.perf_counter()
        running = subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            running.stdin.write(given)
            running.stdin.close()
        except BrokenPipeError:
            pass
        said = running.stderr.read()
        _, status, used = os.wait4(running.pid, 0)
        took = time.perf_counter() - begun
        if status:
            sys.exit(f"{command}: {said.decode(errors='replace')}")
        return took * 1_000, (used.ru_utime + used.ru_stime) * 1_000

    def settle(self):
        """Waits until nothing works behind a hook any more."""
        def works(process):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                return b"--later" in words and f"HOME={self.folder}".encode() in (process / "environ").read_bytes().split(b"\0")
            except OSError:
                return False

        while any(works(process) for process in Path("/proc").glob("[0-9]*")):
            time.sleep(0.002)


def path(number):
    return f"src/{number // 100}/{number}.rs"


def content(number, note=""):
    return "".join(f"fn item_{number}_{line}() {{ work({line}); }}{note if line == 20 else ''}\n" for line in range(60))


def compared(reference, own):
    """Returns medians of two lists of runs, and their ratios by the clock and by the processor."""
    clock, work = ([statistics.median(run[kind] for run in runs) for runs in (reference, own)] for kind in (0, 1))
    return {"reference": round(clock[0], 1), "ms": round(clock[1], 1), "times": round(clock[1] / clock[0], 2), "work": round(work[1] / work[0], 2)}


def saves(snap):
    status = ("git", "--no-optional-locks", "status", "--porcelain")
    with Place(80_000) as place:
        place.edit(20)
        git, first = [], []
        for _ in range(ROUNDS):
            shutil.rmtree(place.root / ".claude", ignore_errors=True)
            git.append(place.run(*status))
            first.append(place.run(snap, "save", "first"))
        yield "first save, 20 edits", compared(git, first)
        place.converse(60 << 20)
        place.run(snap, "save", "-q")
        git, again = [], []
        for _ in range(ROUNDS):
            place.converse(10 << 10)
            git.append(place.run(*status))
            again.append(place.run(snap, "save", "-q"))
        yield "save again, 10 KB more in 60 MB", compared(git, again)


def rewinds(snap):
    with Place(80_000) as place:
        place.edit(2_000)
        for name, options in [("index", ["--cached"]), ("tree", [])]:
            (place.folder / name).write_text(place.git("diff", "--binary", *options))
        place.run(snap, "save", "all")
        git, own = [], []
        for _ in range(ROUNDS):
            place.clean()
            both = [place.run("git", "apply", "--index", "../index"), place.run("git", "apply", "../tree")]
            git.append(tuple(map(sum, zip(*both))))
            place.clean()
            own.append(place.run(snap, "rewind", "all"))
        yield "rewind of 2,000 edits", compared(git, own)


def hooks(snap):
    with Place(5_000) as place:
        # As in any repository that was looked at since: else git and snap read each file as young as the index.
        time.sleep(1.1)
        place.git("update-index", "--force-write-index", "-q", "--refresh")
        place.converse(20 << 20)
        place.run(snap, "save", "before")
        step = {
            "session_id": SESSION, "transcript_path": str(place.transcript()), "cwd": str(place.root), "hook_event_name": "PreToolUse",
            "tool_name": "Bash",
        }
        for what, command in [("hook before a risky step, a new edit", "rm -rf build"), ("hook that lets pass", "ls -la src")]:
            given = json.dumps(step | {"tool_input": {"command": command}}).encode()
            nothing, own = [], []
            for number in range(HOOKS):
                (place.root / path(0)).write_text(f"edit {number}\n")
                place.converse(1)
                nothing.append(place.run("sh", "-c", "true"))
                own.append(place.run("sh", "-c", f"'{snap}' hook PreToolUse", given=given))
                place.settle()
            found = compared(nothing, own)
            # What is waited for beyond what any hook takes.
            late = [sorted(run[0] for run in runs)[HOOKS * 95 // 100] for runs in (nothing, own)]
            found["added"] = round(late[1] - late[0], 1)
            yield what, found
        yield "--version", compared([place.run("true") for _ in range(HOOKS)], [place.run(snap, "--version") for _ in range(HOOKS)])


def figure(what, found):
    """Returns what the goal is about: ms added or taken, or how many times the reference."""
    if "added" in found:
        return found["added"]
    return found["ms"] if what == "--version" else found["times"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("snap")
    arguments.add_argument("--against", metavar="OLD")
    arguments.add_argument("--record", action="store_true")
    asked = arguments.parse_args()
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    builds = [os.path.realpath(build) for build in [asked.snap, asked.against] if build]
    found = {}
    worse = False
    print("| what | reference, ms | ms | figure | work | " + ("the other build: figure | work | " if asked.against else "") + "on record | goal |")
    print("| --- |" + " ---: |" * (8 if asked.against else 6))
    for measure in [saves, rewinds, hooks]:
        for both in zip(*(measure(build) for build in builds)):
            what, new = both[0]
            found[what] = new
            cells = [new["reference"], new["ms"], figure(what, new), new["work"]]
            if asked.against:
                old = both[1][1]
                cells += [figure(what, old), old["work"]]
                worse |= figure(what, new) > WORSE * figure(what, old) and new["work"] > WORSE * old["work"]
            known = record.get(what)
            cells += [figure(what, known) if known else "–", GOALS[what]]
            print(f"| {what} | " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
    if asked.record:
        RECORD.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
