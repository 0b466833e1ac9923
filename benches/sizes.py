#!/usr/bin/env python3
"""How small the stored diffs of real edits are: benches/sizes.py SNAP REPOSITORY [COMMITS]

Takes the newest commits of a repository (a path or URL, never changed), along first parents, and saves
what each changes as pending edits of its parent, each in a store of its own. Needs git and zstd.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

snap, repository, commits = sys.argv[1], sys.argv[2], int((sys.argv + ["100"])[3])


NAMES = ["full new files", "… each by zstd -3", "diffs", "diffs, compressed", "manifest and diffs, compressed"]


def zstd(data):
    return len(subprocess.run(["zstd", "-3", "-q", "-c"], input=data, check=True, capture_output=True).stdout)


def run(place, *command):
    environment = {"PATH": os.environ["PATH"], "HOME": str(place), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(command, cwd=place / "repo", env=environment, check=True, capture_output=True)
    return done.stdout.decode().strip()


def measure(place, commit):
    """Returns how many bytes each of the NAMES below has."""
    run(place, "git", "checkout", "-qf", commit)
    run(place, "git", "clean", "-qfdx")
    run(place, "git", "reset", "-q", "--mixed", f"{commit}^1")
    store = place / "stores" / commit
    store.parent.mkdir(exist_ok=True)
    run(place, str(Path(snap).resolve()), "save", "x", "--store", str(store))
    manifest = (store / "x.json").read_bytes()
    files = json.loads(manifest)["edits"]["files"]
    new = [(place / "repo" / file["path"]) for file in files if file["new"] and file["new"]["mode"].startswith("100")]
    new = [path.read_bytes() for path in new]
    diffs = [file["diff"] for file in files if file.get("diff")]
    inline = "".join(diff["text"] for diff in diffs if "text" in diff).encode()
    objects = [path.stat().st_size for path in store.glob("objects/??/*.zst")]
    raw = len(inline) + sum(diff["size"] for diff in diffs if "text" not in diff)
    stored = sum(objects) + (zstd(inline) if inline else 0)
    return sum(map(len, new)), sum(map(zstd, new)), raw, stored, zstd(manifest) + sum(objects)


with tempfile.TemporaryDirectory() as folder:
    place = Path(folder)
    (place / "repo").mkdir()
    run(place, "git", "clone", "-q", repository, ".")
    newest = run(place, "git", "rev-list", "--first-parent", f"-{commits}", "HEAD").split()
    rows = [measure(place, commit) for commit in newest]

full = sum(row[0] for row in rows)
for column, name in enumerate(NAMES):
    total = sum(row[column] for row in rows)
    median = sorted(row[column] for row in rows)[len(rows) // 2]
    print(f"{name:32} {total:12,} bytes  {100 * total / full:6.2f} %  median {median:10,}")
