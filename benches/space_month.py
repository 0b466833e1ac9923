#!/usr/bin/env python3
"""What a busy space costs: many people with many sessions on one remote, and what a month of it leaves there.

    benches/space_month.py SNAP [PEOPLE [SESSIONS [ROUNDS]]]

Each person has a home, a clone and sessions of their own, and shares them with the real program through one bare repository. git's
transport is a pipe that counts its bytes. First everybody pushes all sessions, then in each round everybody pushes a turn of one
session, all at once. A month of logs and of named snapshots is then written with `git fast-import`, in the form that the
program's own pushes had, and somebody who comes anew looks at it.

Prints what was pushed, how long it took, how many bytes went over the wire, and how large the remote is. Everything is in a
temporary folder, and is removed.
"""

import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SNAP = os.path.abspath(sys.argv[1])
PEOPLE, SESSIONS, ROUNDS = (int(value) for value in (sys.argv[2:] + ["20", "50", "10"][len(sys.argv) - 2:])[:3])
DAYS, LOG_LINES_A_DAY, SNAPSHOTS_A_DAY = 22, 40, 5
WORDS = random.Random(1)


def words(count):
    return " ".join("".join(WORDS.choices("abcdefghijklmnopqrstuvwxyz", k=WORDS.randint(3, 9))) for _ in range(count))


class Place:
    """The folder of everything, with the remote and the pipe to it."""

    def __init__(self, root):
        self.root = root
        self.remote = root / "remote.git"
        (root / "bin").mkdir()
        for name in ("snap", "claude-snap"):
            (root / "bin" / name).symlink_to(SNAP)
        pipe = root / "bin" / "pipe"
        pipe.write_text('#!/bin/bash\ntee "$WIRE/up.$$" | sh -c "${@: -1}" | tee "$WIRE/down.$$"\n')
        pipe.chmod(0o755)
        self.git("init", "-q", "--bare", str(self.remote))
        for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            self.git("-C", str(self.remote), "config", key, "true")

    def environment(self, home):
        path = f"{self.root}/bin:/usr/local/bin:/usr/bin:/bin"
        return {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "GIT_SSH_COMMAND": f"{self.root}/bin/pipe",
                "GIT_SSH_VARIANT": "ssh", "WIRE": str(home / "wire")}

    def git(self, *arguments, **options):
        return subprocess.run(["git", *arguments], env=self.environment(self.root), check=True, capture_output=True, **options)

    def size(self):
        return int(subprocess.run(["du", "-sk", str(self.remote)], capture_output=True, check=True).stdout.split()[0]) / 1024

    def refs(self, prefix):
        return self.git("-C", str(self.remote), "for-each-ref", "--format=%(refname) %(objectname)", prefix).stdout.decode().splitlines()


class Person:
    """Somebody with a home, a clone and sessions."""

    def __init__(self, place, name):
        self.place, self.name = place, name
        self.home = place.root / name
        self.root = self.home / "app"
        (self.home / "wire").mkdir(parents=True)
        (self.home / ".config/snap").mkdir(parents=True)
        (self.home / ".config/snap/snap.toml").write_text('[sync]\npause = "10m"\n')
        self.environment = {**place.environment(self.home), "USER": name, "LOGNAME": name}
        for key, value in (("user.name", name), ("user.email", f"{name}@localhost")):
            self.run(["git", "config", "--global", key, value], cwd=self.home)

    def run(self, command, cwd=None, check=True, stdin=None):
        return subprocess.run(command, cwd=cwd or self.root, env=self.environment, check=check, capture_output=True, input=stdin)

    def clone(self):
        self.run(["git", "clone", "-q", f"ssh://host{self.place.remote}", str(self.root)], cwd=self.home)
        self.run(["snap", "init", "--local", "--sync"])

    def session(self, identity, turns):
        folder = self.home / ".claude/projects" / re.sub(r"[^A-Za-z0-9]", "-", str(self.root))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{identity}.jsonl"
        parent = None
        with path.open("a") as file:
            for _ in range(turns):
                for kind, count in (("user", 30), ("assistant", 400)):
                    content = words(count)
                    if kind == "assistant":
                        content = [{"type": "text", "text": content}]
                    record = {"parentUuid": parent, "uuid": str(uuid.uuid4()), "type": kind, "cwd": str(self.root),
                              "sessionId": identity, "version": "2.1.329", "gitBranch": "main",
                              "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
                              "message": {"role": kind, "content": content}}
                    parent = record["uuid"]
                    file.write(json.dumps(record) + "\n")
        return path

    def hook(self, identity, path):
        told = {"session_id": identity, "transcript_path": str(path), "cwd": str(self.root), "hook_event_name": "Stop"}
        self.run(["snap", "hook", "Stop"], stdin=json.dumps(told).encode())

    def timed(self, *arguments):
        """Runs `snap`; returns the result, the seconds, and the bytes up and down."""
        for file in (self.home / "wire").iterdir():
            file.unlink()
        start = time.monotonic()
        ran = self.run(["snap", *arguments], check=False)
        seconds = time.monotonic() - start
        sent = {way: sum(file.stat().st_size for file in (self.home / "wire").glob(f"{way}.*")) for way in ("up", "down")}
        return ran, seconds, sent["up"], sent["down"]


def told(what, results):
    failed = [ran for ran, *_ in results if ran.returncode]
    seconds = sorted(result[1] for result in results)
    up = statistics.median(result[2] for result in results)
    down = statistics.median(result[3] for result in results)
    print(f"{what:58} {len(results):5} {len(failed):4} {statistics.median(seconds):7.2f} {seconds[len(seconds) * 95 // 100]:7.2f}"
          f" {up / 1000:9.1f} {down / 1000:9.1f}", flush=True)
    for ran in failed[:3]:
        print("   ", ran.returncode, ran.stderr.decode()[-300:].replace("\n", " | "))


def month(place):
    """Writes a month of logs and named snapshots into the remote."""
    script = []
    chains = place.refs("refs/snapshots-audit")
    # The first stays as its machine left it: that machine is measured afterwards.
    for line in chains[1:]:
        name, tip = line.split()
        lines = place.git("-C", str(place.remote), "show", f"{tip}:lines.jsonl").stdout.decode()
        one = json.loads(lines.splitlines()[-1])
        known = place.git("-C", str(place.remote), "log", "-1", "--format=%s", tip).stdout.decode()
        number = int(known.split()[-1])
        parent = tip
        at = time.time() - DAYS * 86400
        for count in range(DAYS * LOG_LINES_A_DAY):
            number += 1
            at += 86400 / LOG_LINES_A_DAY
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".000Z"
            text = json.dumps({**one, "at": stamp, "operation": "save", "id": uuid.uuid4().hex})
            message = f"Lines {number} to {number}\n\nUpto: {int(at * 1000)}-{uuid.uuid4().hex[:24]}"
            script.append(f"commit {name}\ncommitter snap <snap@localhost> {int(at)} +0000\ndata {len(message)}\n{message}\n"
                          + (f"from {parent}\n" if parent else "") + f"M 100644 inline lines.jsonl\ndata {len(text) + 1}\n{text}\n\n")
            parent = None
    heads = [line.split()[1] for line in place.refs("refs/snapshots-live")[: 3 * PEOPLE]]
    trees = [place.git("-C", str(place.remote), "rev-parse", f"{head}^{{tree}}").stdout.decode().strip() for head in heads]
    for count in range(PEOPLE * DAYS * SNAPSHOTS_A_DAY):
        user = f"p{count % PEOPLE}"
        at = time.time() - count * 3600
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".000Z"
        message = f"work {count}\n\nSaved-by: {user}@host\nSaved-at: {stamp}"
        name = f"refs/snapshots/{user}/{uuid.uuid4().hex}"
        tree = trees[count % len(trees)]
        script.append(f"commit {name}\ncommitter snap <snap@localhost> {int(at)} +0000\ndata {len(message)}\n{message}\nM 040000 {tree} \n\n")
    place.git("-C", str(place.remote), "fast-import", "--quiet", input="".join(script).encode())


def main():
    root = Path(tempfile.mkdtemp(prefix="space-month-"))
    try:
        place = Place(root)
        people = [Person(place, f"p{number}") for number in range(PEOPLE)]
        first = people[0]
        first.run(["git", "init", "-q", "-b", "main", str(first.root)], cwd=first.home)
        (first.root / "a.txt").write_text("one\n")
        (first.root / ".gitignore").write_text(".claude/\n")
        first.run(["git", "add", "."])
        first.run(["git", "commit", "-qm", "first"])
        first.run(["git", "push", "-q", f"ssh://host{place.remote}", "main"])
        shutil.rmtree(first.root)
        sessions = {}
        for person in people:
            person.clone()
            (person.root / "a.txt").write_text(f"one\n{person.name}\n")
            for _ in range(SESSIONS):
                identity = str(uuid.uuid4())
                sessions.setdefault(person.name, []).append(identity)
                person.hook(identity, person.session(identity, 10))
        print(f"{'':58} {'runs':>5} {'bad':>4} {'s':>7} {'p95':>7} {'kB up':>9} {'kB down':>9}")
        # The pushers that the first notes woke have ended, or hold their locks: these wait for them.
        told(f"first push of {SESSIONS} sessions each, one after the other", [person.timed("sync", "--now") for person in people])
        heads = len(place.refs("refs/snapshots-live"))
        before = place.size()
        print(f"{heads} heads; the remote has {before:.1f} MiB")
        pushes = 0
        for number in range(ROUNDS):
            for person in people:
                identity = sessions[person.name][number % SESSIONS]
                person.hook(identity, person.session(identity, 2))
            with ThreadPoolExecutor(PEOPLE) as pool:
                results = list(pool.map(lambda person: person.timed("sync", "--now"), people))
            pushes += len(results)
            if number in (0, ROUNDS - 1):
                told(f"a turn of each person, all {PEOPLE} at once, round {number + 1}", results)
        after = place.size()
        print(f"after {pushes} pushes of a turn: {after:.1f} MiB, {(after - before) * 1024 / pushes:.0f} KiB a push")
        place.git("-C", str(place.remote), "gc", "--quiet", "--prune=now")
        print(f"after its gc without a period of grace: {place.size():.1f} MiB")
        month(place)
        print(f"with a month of logs and named snapshots: {len(place.refs('refs/'))} refs, {place.size():.1f} MiB", end="")
        place.git("-C", str(place.remote), "gc", "--quiet", "--prune=now")
        print(f", after gc {place.size():.1f} MiB")
        untouched = next(person for person in people if f"/{person.name}@" in place.refs("refs/snapshots-audit")[0])
        results = []
        for _ in range(5):
            untouched.hook(sessions[untouched.name][0], untouched.session(sessions[untouched.name][0], 2))
            results.append(untouched.timed("sync", "--now"))
        told("a turn of one person", results)
        fresh = Person(place, "new")
        fresh.clone()
        for what, command, times in (
            ("space, somebody new", ["space", "--json"], 1), ("space again", ["space", "--json"], 5),
            ("log --remote, somebody new", ["log", "--remote", "--json"], 1), ("log --remote again", ["log", "--remote", "--json"], 5),
            ("list --remote", ["list", "--remote"], 3),
        ):
            told(what, [fresh.timed(*command) for _ in range(times)])
        ran, seconds, up, down = fresh.timed("log", "--remote", "--json")
        print(f"log --remote: {len(ran.stdout.splitlines())} lines, exit {ran.returncode}")
        start = time.monotonic()
        listed = place.git("ls-remote", str(place.remote)).stdout
        print(f"git ls-remote: {len(listed) / 1000:.0f} kB, {time.monotonic() - start:.2f} s")
    finally:
        shutil.rmtree(root)


main()
