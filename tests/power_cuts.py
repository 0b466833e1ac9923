#!/usr/bin/env python3
"""Power cuts: a file system goes down in the middle of a command, with all that was not synced.

An ext4 on a loop device is shut down by ioctl (EXT4_IOC_SHUTDOWN without flushing its journal), unmounted and
mounted again: exactly what was durable is there. Needs root, loop devices and mkfs.ext4.

    tests/power_cuts.py save SNAP ROUNDS      cuts during and right after `snap save`
    tests/power_cuts.py restore SNAP ROUNDS   cuts during `snap rewind`: the old tree or the new one
                                              (SNAP_SYNC=whole: it syncs whole disks, as with many files)
    tests/power_cuts.py git|restic|borg - ROUNDS   the same as `save` for these, to compare

Prints one line of JSON. Exit code 0: nothing acknowledged was lost, nothing mixed; 1: something was;
77: the machine can't do this.
"""

import fcntl, hashlib, json, os, random, shutil, signal, struct, subprocess, sys, tempfile, time

SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2


class Disk:
    """A small ext4 that can lose its power."""

    def __init__(self, folder):
        self.image, self.root = f"{folder}/disk", f"{folder}/mnt"
        os.mkdir(self.root)
        with open(self.image, "wb") as image:
            image.truncate(768 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.root], check=True)

    def cut(self, running):
        """Cuts the power under a process, and comes up again."""
        fd = os.open(self.root, os.O_RDONLY)
        fcntl.ioctl(fd, SHUTDOWN, struct.pack("i", NO_LOG_FLUSH))
        os.close(fd)
        if running is not None:
            try:
                os.killpg(running.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            running.wait()
        self.unmount()
        self.mount()

    def unmount(self):
        for _ in range(100):
            if subprocess.run(["umount", self.root], stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.02)
        raise SystemExit("cannot unmount")


class Place:
    """A project with a home on the disk, and programs run in it with nothing of the machine's own."""

    def __init__(self, disk):
        self.disk = disk
        self.home, self.app = f"{disk.root}/home", f"{disk.root}/home/app"
        os.makedirs(self.app)
        self.env = {
            "PATH": os.environ["PATH"], "HOME": self.home, "CLAUDE_CONFIG_DIR": f"{self.home}/claude", "USER": "ada",
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C",
            "RESTIC_PASSWORD": "x", "RESTIC_REPOSITORY": f"{disk.root}/repository",
            "BORG_REPO": f"{disk.root}/repository", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        }
        self.env |= {name: os.environ[name] for name in ["SNAP_SYNC"] if name in os.environ}
        self.run("git", "init", "-q", "-b", "main")
        for number in range(40):
            self.write(f"src/{number}.txt", f"line of {number}\n" * 60)
        self.run("git", "add", ".")
        self.run("git", "commit", "-qm", "first")

    def write(self, name, text):
        path = f"{self.app}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def run(self, *command, ok=True):
        done = subprocess.run(command, cwd=self.app, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ok and done.returncode != 0:
            raise SystemExit(f"{command}: {done.stderr}")
        return done

    def start(self, *command):
        return subprocess.Popen(command, cwd=self.app, env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def session(self, rounds):
        """Appends to the transcript of a synthetic session."""
        folder = f"{self.home}/claude/projects/{''.join(c if c.isalnum() else '-' for c in self.app)}"
        os.makedirs(folder, exist_ok=True)
        name = "c137e379-838e-4509-8148-16b407691758"
        with open(f"{folder}/{name}.jsonl", "a") as transcript:
            for number in range(30):
                record = {"type": "user", "uuid": f"u{rounds}-{number}", "parentUuid": None, "cwd": self.app,
                          "sessionId": name, "message": {"role": "user", "content": "words " * 80 + str(rounds)}}
                transcript.write(json.dumps(record) + "\n")

    def picture(self):
        """The work tree and the index, and whatever a cut could leave behind."""
        facts = self.run("git", "--no-optional-locks", "status", "--porcelain=v2", "-uall").stdout
        facts += self.run("git", "ls-files", "-s").stdout
        for folder, folders, files in os.walk(self.app):
            folders[:] = sorted(f for f in folders if f not in (".git", ".claude"))
            for name in sorted(files):
                with open(os.path.join(folder, name), "rb") as file:
                    facts += f"{folder}/{name} {hashlib.sha256(file.read()).hexdigest()}\n"
        return facts + "".join(name for name in os.listdir(f"{self.app}/.git") if name.startswith("index."))


def cut_at_random(place, typical, command):
    """Runs a command and cuts the power at a random time, or the moment it says that it is done.

    Returns whether it was acknowledged."""
    running = place.start(*command)
    if random.random() < 0.5:
        code = running.wait()
    else:
        time.sleep(random.uniform(0, 1.25 * typical))
        code = running.poll()
    place.disk.cut(running)
    return code == 0


def measure(place, command):
    start = time.monotonic()
    place.run(*command)
    return time.monotonic() - start


def saves(place, tool, rounds):
    """Cuts the power during saves; every acknowledged one must be there and whole."""
    acked, lost, total, broken, manual = set(), set(), 0, 0, 0
    place.session(0)
    tool.setup()
    typical = sorted(measure(place, tool.save(f"typical-{number}")) for number in range(3))[1]
    for number in range(rounds):
        place.write("src/1.txt", f"edit {number}\n" * 60)
        place.write(f"new/{number % 20}.txt", f"new {number}\n" * 300)
        place.session(number)
        os.sync()
        name = f"round-{number}"
        if cut_at_random(place, typical, tool.save(name)):
            acked.add(name)
            total += 1
        there, sound, helped = tool.check()
        manual += helped
        if not sound:
            broken += 1
        missing = acked - lost - there
        lost |= missing
        if len(acked) % 40 == 39:
            acked = set(list(acked)[-10:]) & tool.forget()
    return {"acknowledged": total, "acknowledged_lost": len(lost), "damaged_after": broken, "manual_steps": manual}


class Snap:
    def __init__(self, place, program):
        self.place, self.program, self.total = place, program, 0

    def setup(self):
        pass

    def save(self, name):
        self.total += 1
        return [self.program, "save", name]

    def check(self):
        sound = self.place.run(self.program, "verify", "--json", ok=False)
        there = json.loads(sound.stdout)["snapshots"]
        return {one["name"] for one in there if not one["problems"]}, sound.returncode == 0, 0

    def forget(self):
        running = self.place.start(self.program, "prune", "--keep-last", "10")
        time.sleep(random.uniform(0, 0.03))
        self.place.disk.cut(running)
        self.place.run(self.program, "prune", "--keep-last", "10")
        return self.check()[0]


class Git:
    def __init__(self, place, program):
        self.place = place

    def setup(self):
        pass

    def save(self, name):
        return ["sh", "-c", f"git add -A && git commit -q --allow-empty -m {name}"]

    def check(self):
        helped = 0
        for lock in ["index.lock", "HEAD.lock", "refs/heads/main.lock"]:
            path = f"{self.place.app}/.git/{lock}"
            if os.path.exists(path):
                os.unlink(path)
                helped = 1
        log = self.place.run("git", "log", "--format=%s", ok=False)
        fsck = self.place.run("git", "fsck", "--no-dangling", ok=False)
        if log.returncode != 0 or fsck.returncode != 0:
            # Only a new start helps; what was acknowledged before is not counted again.
            shutil.rmtree(f"{self.place.app}/.git")
            for command in [("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "anew")]:
                self.place.run("git", *command)
            return set(), False, 1
        return set(log.stdout.split()), True, helped

    def forget(self):
        return self.check()[0]


class Restic:
    listing = ["restic", "snapshots", "--json", "--no-lock"]

    def __init__(self, place, program):
        self.place = place

    def setup(self):
        self.place.run("restic", "init")

    def save(self, name):
        return ["restic", "backup", "-q", "--no-cache", "--tag", name, self.place.app]

    def check(self):
        done = self.place.run("restic", "check", "--no-cache", "-q", ok=False)
        helped = 0
        if done.returncode != 0:
            helped = 1
            self.place.run("restic", "unlock", "--remove-all", ok=False)
            done = self.place.run("restic", "check", "--no-cache", "-q", ok=False)
        listed = self.place.run(*self.listing, ok=False)
        there = json.loads(listed.stdout or "[]") or []
        return {tag for one in there for tag in one.get("tags") or []}, done.returncode == 0, helped

    def forget(self):
        return self.check()[0]


class Borg:
    def __init__(self, place, program):
        self.place = place

    def setup(self):
        self.place.run("borg", "init", "-e", "none")

    def save(self, name):
        return ["borg", "create", f"::{name}", self.place.app]

    def check(self):
        done = self.place.run("borg", "--lock-wait", "0", "check", ok=False)
        helped = 0
        if done.returncode != 0:
            helped = 1
            self.place.run("borg", "break-lock", ok=False)
            done = self.place.run("borg", "check", ok=False)
        listed = self.place.run("borg", "list", "--short", ok=False)
        return set(listed.stdout.split()), done.returncode == 0, helped

    def forget(self):
        return self.check()[0]


def restores(place, program, rounds):
    """Cuts the power during restores from one state to another and back."""
    place.session(0)
    pictures = {}
    for name in ["a", "b"]:
        for number in range(0, 40, 2):
            place.write(f"src/{number}.txt", f"{name}{number}\n" * 50)
        for number in range(10):
            place.write(f"{name}/new {number}.txt", f"{name} new\n" * 30)
            place.run("git", "add", f"{name}/new {number}.txt") if number % 3 == 0 else None
        os.unlink(f"{place.app}/src/{'1' if name == 'a' else '3'}.txt")
        place.run(program, "save", name)
        pictures[name] = place.picture()
    mixed, manual, old, new, here = 0, 0, 0, 0, "b"
    command = lambda to: [program, "rewind", to, "--no-run"]
    typical = sorted(measure(place, command(to)) for to in ["a", "b", "a", "b"])[2]
    for number in range(rounds):
        to = "a" if here == "b" else "b"
        os.sync()
        acked = cut_at_random(place, typical, command(to))
        settled = place.run(program, "prune", "--keep-last", "1000", ok=False)
        manual += settled.returncode != 0
        now = place.picture()
        if now == pictures[to]:
            here, new = to, new + 1
        elif now == pictures[here] and not acked:
            old += 1
        else:
            mixed += 1
            place.run(program, *command(to)[1:])
            here = to
        if number % 25 == 24:
            manual += place.run(program, "verify", ok=False).returncode != 0
            projects = f"{place.home}/claude/projects"
            manual += any("snap-tmp" in name for _, folders, files in os.walk(projects) for name in folders + files)
            for entry in os.listdir(f"{place.app}/.claude/snapshots"):
                if entry.startswith("safety-"):
                    place.run(program, "rm", entry.removesuffix(".json"), ok=False)
    return {"mixed": mixed, "old": old, "new": new, "manual_steps": manual}


def main():
    what, program, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        print("this needs root and mkfs.ext4", file=sys.stderr)
        sys.exit(77)
    random.seed(int(os.environ.get("SEED", "1")))
    folder = tempfile.mkdtemp(prefix="power-cuts-")
    try:
        try:
            disk = Disk(folder)
            disk.cut(None)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"this machine can't mount and shut down a loop device: {error}", file=sys.stderr)
            sys.exit(77)
        place = Place(disk)
        os.sync()
        tools = {"save": Snap, "git": Git, "restic": Restic, "borg": Borg}
        if what == "restore":
            result = restores(place, program, rounds)
        else:
            result = saves(place, tools[what](place, program), rounds)
    finally:
        subprocess.run(["umount", f"{folder}/mnt"], stderr=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({"what": what, "cuts": rounds, **result}))
    bad = sum(result.get(key, 0) for key in ["acknowledged_lost", "damaged_after", "manual_steps", "mixed"])
    sys.exit(1 if bad else 0)


main()
