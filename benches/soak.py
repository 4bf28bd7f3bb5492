#!/usr/bin/env python3
"""Whether sigscan stays itself for hours over a tree that does not hold still.

    soak.py SIGSCAN [MINUTES] [FOLDER]     (default: 60 minutes, a temporary folder; FOLDER is used and left behind)

Two processes create, copy, grow, truncate, replace, overwrite, rename, delete and chmod files and folders below a tree:
signed and unsigned programs, catalogs, sparse files, links that dangle or lead in circles, FIFOs, names that are no UTF-8.
Meanwhile, with pauses so that all of it needs a fraction of one processor:
  enrich           one `sigscan enrich` for the whole time, events by the line and in bursts
  enrich-rsyslog   one `--protocol rsyslog`
  enrich-csv       one `--protocol csv`
  scans            one scan after the other, in nine ways that take turns, each a process of its own
Of the long-lived processes, resident memory and open descriptors are sampled every five seconds; of each scan, the peak of
resident memory as the kernel counts it, read every five milliseconds until it ends. --cache-size is 4 MiB, so that the memory for verdicts is full early.

At the end it prints the medians and maxima of the first and the last quarter of what follows the first tenth. Exit status 1 if
  * a process died, was killed by a signal, took more than 120 s, or spoke of a panic,
  * an exit status is none of those that the README names for the case (0; 2 also where a named path may be gone),
  * an answer is missing, doubled, out of order, without a status, or a line of a scan is no JSON,
  * memory grew: the last quarter's median is more than a tenth and 4 MiB above the first quarter's,
  * descriptors grew: the last quarter's maximum is above the first quarter's by more than 4, or its median by
    more than 1: a file that is being judged is open, too.
Linux only. As root, chmod makes nothing unreadable; run it as somebody else to have that too.
"""
import csv
import io
import json
import multiprocessing
import os
import random
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "testdata", "fixtures")
FILES = 50
FOLDERS = ["", "Windows", "Windows/System32", "Windows/Temp", "Users", "Users/a b", "Users/a b/é", "deep/" + "/".join("d" * 30)]
ODD_NAMES = ["FILE-%d.EXE", "file-%d.exe.link1", "fifo-%d.exe", "no-%d.dll", "..\\file-%d.exe", "%d\\..\\..\\..\\x"]
SAMPLE = 5.0
PATIENCE = 120.0
STATUSES = {"Valid", "Invalid", "Expired", "Revoked", "Untrusted", "Unsigned", "Error"}
SCANS = [
    ["--json"],
    ["--json", "--all", "--hashes", "all"],
    ["--json", "--hashes", "none", "--no-correlate"],
    [],
    ["--format", "csv"],
    ["--format", "sarif"],
    ["--format", "leef", "--host", "PC-1"],
    ["hunt"],
    ["named"],
]


# The tree


def sources():
    names = sorted(name for name in os.listdir(FIXTURES) if name.endswith((".exe", ".cat", ".sys", ".efi")))
    return [open(os.path.join(FIXTURES, name), "rb").read() for name in names]


def files_of(tree):
    found = []
    for folder, _, names in os.walk(tree):
        found += [os.path.join(folder, name) for name in names]
    return found


def churn(tree, seed, until):
    """Changes something every few milliseconds; what another process took away meanwhile is no matter."""
    dice = random.Random(seed)
    contents = sources()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    number = 0
    known = []
    while time.time() < until:
        number += 1
        if number % 100 == 1:
            known = files_of(tree)
        folder = os.path.join(tree, dice.choice(FOLDERS))
        fresh = os.path.join(folder, f"file-{dice.randrange(FILES)}.exe")
        victim = dice.choice(known) if known else fresh
        try:
            act(dice, folder, fresh, victim, contents)
        except OSError:
            pass
        time.sleep(dice.random() * 0.06)


def opened(path, flags):
    """Nobody may ever read what a FIFO is given."""
    return os.fdopen(os.open(path, flags | os.O_NONBLOCK), "wb", buffering=0)


def act(dice, folder, fresh, victim, contents):
    os.makedirs(folder, exist_ok=True)
    what = dice.randrange(24)
    if what < 6:
        with opened(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as out:
            out.write(dice.choice(contents))
    elif what < 8:  # in pieces, so that half of it can be seen
        with opened(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as out:
            content = dice.choice(contents)
            for at in range(0, len(content), 700):
                out.write(content[at : at + 700])
                time.sleep(0.002)
    elif what < 10:
        with open(fresh + ".new", "wb") as out:
            out.write(dice.choice(contents))
        os.replace(fresh + ".new", victim)
    elif what == 10:
        with opened(victim, os.O_WRONLY | os.O_APPEND) as out:
            out.write(bytes(dice.randrange(1, 5000)))
    elif what == 11:
        with opened(victim, os.O_WRONLY) as out:
            out.truncate(dice.randrange(0, 4000))
    elif what == 12:
        with opened(victim, os.O_WRONLY) as out:
            out.seek(dice.randrange(0, 4000))
            out.write(dice.randbytes(dice.randrange(1, 64)))
    elif what < 16:
        os.remove(victim)
    elif what == 16:
        os.rename(victim, fresh)
    elif what == 17:
        os.chmod(victim, dice.choice([0, 0o400, 0o644]))
    elif what == 18:
        os.chmod(folder, 0o000)
        time.sleep(0.01)
        os.chmod(folder, 0o755)
    elif what == 19:
        moved = folder.rstrip("/") + ".moved"
        if os.path.basename(folder.rstrip("/")) != "tree":
            os.rename(folder, moved)
            time.sleep(0.01)
            os.rename(moved, folder)
    elif what == 20:
        os.symlink(dice.choice(["..", victim, "nowhere", "."]), fresh + f".link{dice.randrange(9)}")
    elif what == 21:
        if dice.random() < 0.5:
            os.mkfifo(os.path.join(folder, f"fifo-{dice.randrange(3)}.exe"))
        else:
            os.link(victim, fresh + f".hard{dice.randrange(9)}")
    elif what == 22:
        with open(os.path.join(os.fsencode(folder), b"caf\xe9\n" + str(dice.randrange(5)).encode()), "wb") as out:
            out.write(dice.choice(contents))
    elif dice.random() < 0.3:
        with opened(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as out:  # sparse, and not small
            out.write(dice.choice(contents)[:1024])
            out.truncate(dice.randrange(1 << 20, 1 << 24))
    elif dice.random() < 0.2:
        shutil.rmtree(folder, ignore_errors=True)


def resident(process, field):
    """VmRSS or VmHWM of a process in MiB; nothing when it has ended."""
    try:
        with open(f"/proc/{process}/status") as status:
            return next((int(line.split()[1]) / 1024 for line in status if line.startswith(field)), None)
    except OSError:
        return None


# The long-lived processes


class Trouble:
    def __init__(self):
        self.found = []
        self.lock = threading.Lock()

    def add(self, text):
        with self.lock:
            self.found.append(text)
            print("TROUBLE", text, flush=True)


class Enrich:
    """One `sigscan enrich`, and a thread that asks and holds the answers against the questions."""

    def __init__(self, name, program, tree, options, trouble, until, seed):
        self.name, self.tree, self.trouble, self.until = name, tree, trouble, until
        self.dice = random.Random(seed)
        self.protocol = name.partition("-")[2] or "ndjson"
        self.errors = tempfile.TemporaryFile()
        command = [program, "enrich", "--path-map", "C:\\=" + tree, "--cache-size", "4M", "--jobs", "2", *options]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.samples = []
        self.asked = self.judged = 0
        self.held = b""
        self.statuses = {}
        self.thread = threading.Thread(target=self.guarded)
        self.thread.start()

    def guarded(self):
        try:
            if self.protocol == "csv":
                self.send(b"seq,path\n")
                self.lines(1)
            while time.time() < self.until:
                self.ask(1 if self.dice.random() < 0.7 else self.dice.randrange(2, 400))
                time.sleep(self.dice.random() * 0.4)
        except Exception as error:  # whatever it is, it ends this process's part and is told
            self.trouble.add(f"{self.name}: {type(error).__name__} {error} after {self.asked} events")

    def path(self):
        folder = self.dice.choice(FOLDERS)
        number = self.dice.randrange(FILES)
        name = f"file-{number}.exe" if self.dice.random() < 0.8 else self.dice.choice(ODD_NAMES) % number
        return "C:\\" + (folder + "/").lstrip("/").replace("/", "\\") + name

    def ask(self, count):
        numbers = range(self.asked, self.asked + count)
        questions = [(number, self.path()) for number in numbers]
        if self.protocol == "csv":
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(questions)
            self.send(text.getvalue().encode())
        else:
            events = [{"seq": number, "EventID": 7, "EventData": {"ImageLoaded": path}} for number, path in questions]
            self.send(b"".join(json.dumps(event).encode() + b"\n" for event in events))
        for (number, path), line in zip(questions, self.lines(count)):
            status = self.status(number, path, line)
            if status not in STATUSES:
                raise AssertionError(f"event {number} of {path!r} is answered with {line[:300]!r}")
            self.statuses[status] = self.statuses.get(status, 0) + 1
        self.asked += count

    def status(self, number, path, line):
        if self.protocol == "csv":
            row = next(csv.reader([line.decode()]))
            assert row[:2] == [str(number), path], f"event {number}: {row[:2]}"
            return row[2]
        answer = json.loads(line)
        if self.protocol == "rsyslog":
            return answer["$!"]["sigscan"]["status"]
        assert answer["seq"] == number and answer["EventData"]["ImageLoaded"] == path, f"event {number}: {line[:200]!r}"
        return answer["sigscan"]["status"]

    def send(self, octets):
        """In a thread, so that neither side waits for the other for ever."""
        writer = threading.Thread(target=self.write, args=(octets,))
        writer.start()

    def write(self, octets):
        try:
            self.child.stdin.write(octets)
            self.child.stdin.flush()
        except (OSError, ValueError) as error:
            self.trouble.add(f"{self.name}: cannot write: {error}")

    def lines(self, count):
        until = time.time() + PATIENCE
        while self.held.count(b"\n") < count:
            ready, _, _ = select.select([self.child.stdout], [], [], max(0.0, until - time.time()))
            block = os.read(self.child.stdout.fileno(), 1 << 20) if ready else b""
            if not block:
                raise AssertionError(f"{self.held.count(10)} of {count} answers, then " + ("the end" if ready else "nothing"))
            self.held += block
        *lines, self.held = self.held.split(b"\n", count)
        return lines

    def sample(self, moment):
        rss = resident(self.child.pid, "VmRSS")
        if rss is None:
            self.trouble.add(f"{self.name}: gone")
        else:
            self.samples.append((moment, rss, len(os.listdir(f"/proc/{self.child.pid}/fd"))))

    def close(self):
        self.thread.join()
        rest = b""
        try:
            self.child.stdin.close()
            rest = self.child.stdout.read()
            code = self.child.wait(PATIENCE)
        except (OSError, subprocess.TimeoutExpired) as error:
            self.child.kill()
            code = error
        if code != 0 or rest or self.held:
            self.trouble.add(f"{self.name}: exit {code}, {len(rest) + len(self.held)} octets that nobody asked for")
        self.errors.seek(0)
        spoken = self.errors.read()
        if spoken:
            self.trouble.add(f"{self.name}: standard error: {spoken[:2000]!r}")


# Scans


def scan(program, tree, number, trouble, output):
    """One scan; its peak of resident memory in MiB, its lines, and its status."""
    how = SCANS[number % len(SCANS)]
    codes, structured = {0}, "--json" in how
    if how == ["hunt"]:
        command = [program, "hunt", tree]
    elif how == ["named"]:
        named = random.Random(number).sample(range(FILES), 20)
        command = [program, "--json", *[os.path.join(tree, f"file-{one}.exe") for one in named]]
        codes, structured = {0, 2}, True
    else:
        command = [program, tree, *how]
    output.seek(0)
    output.truncate()
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command + ["--jobs", "2"], stdout=output, stderr=errors)
        watch = threading.Timer(PATIENCE, child.kill)
        watch.start()
        # The kernel's ru_maxrss counts what this program needed before the exec, too.
        peak = 0
        while child.poll() is None:
            peak = max(peak, resident(child.pid, "VmHWM") or 0)
            time.sleep(0.005)
        watch.cancel()
        errors.seek(0)
        spoken = errors.read()
    if child.returncode not in codes:
        trouble.add(f"scan {number} {how}: exit {child.returncode}: {spoken[:2000]!r}")
    output.seek(0)
    lines = 0
    for line in output:
        lines += 1
        if b"panicked" in line or b"internal error" in line:
            trouble.add(f"scan {number} {how}: {line[:1000]!r}")
        if structured:
            try:
                json.loads(line)
            except ValueError:
                trouble.add(f"scan {number} {how}: no JSON: {line[:1000]!r}")
    if b"panicked" in spoken or (structured and lines == 0):
        trouble.add(f"scan {number} {how}: {lines} lines, standard error {spoken[:2000]!r}")
    return peak, lines, child.returncode


# The account


def quarters(samples, which):
    begun, ended = samples[0][0], samples[-1][0]
    begun += (ended - begun) / 10
    quarter = (ended - begun) / 4
    first = [one[which] for one in samples if begun <= one[0] <= begun + quarter]
    last = [one[which] for one in samples if one[0] >= ended - quarter]
    return (statistics.median(first), max(first)), (statistics.median(last), max(last))


def account(what, unit, samples, which, trouble, grown):
    (median, most), (later, later_most) = quarters(samples, which)
    print(f"{what:16} {unit:12} {median:9.1f} {most:9.1f} {later:9.1f} {later_most:9.1f} {len(samples):8}")
    if grown(median, most, later, later_most):
        trouble.add(f"{what}: {unit} grew from {median:.1f} (at most {most:.1f}) to {later:.1f} (at most {later_most:.1f})")


def memory_grown(median, _most, later, _later_most):
    return later > median * 1.1 + 4


def descriptors_grown(median, most, later, later_most):
    return later > median + 1 or later_most > most + 4


def main():
    program = os.path.abspath(sys.argv[1])
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    place = sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp(prefix="sigscan-soak-")
    tree = os.path.join(place, "tree")
    os.makedirs(tree, exist_ok=True)
    begun = time.time()
    until = begun + minutes * 60
    trouble = Trouble()
    workers = [multiprocessing.Process(target=churn, args=(tree, seed, until)) for seed in (1, 2)]
    for worker in workers:
        worker.start()
    ways = [
        ("enrich", ["--compact"]),
        ("enrich-rsyslog", ["--protocol", "rsyslog"]),
        ("enrich-csv", ["--protocol", "csv", "--path-field", "path"]),
    ]
    asking = [Enrich(name, program, tree, options, trouble, until, seed) for seed, (name, options) in enumerate(ways)]
    scans, lines, exits = [], 0, {}
    with tempfile.TemporaryFile(dir=place) as output:
        sampled = 0.0
        while time.time() < until:
            peak, told, code = scan(program, tree, len(scans), trouble, output)
            scans.append((time.time(), peak))
            lines += told
            exits[code] = exits.get(code, 0) + 1
            resume = time.time() + 1.5
            while time.time() < min(resume, until):
                if time.time() - sampled >= SAMPLE:
                    sampled = time.time()
                    for one in asking:
                        one.sample(sampled)
                time.sleep(0.1)
    for one in asking:
        one.close()
    for worker in workers:
        worker.join(PATIENCE)
        if worker.exitcode != 0:
            trouble.add(f"a process that changes the tree ended with {worker.exitcode}")
            worker.kill()
    print(f"{(time.time() - begun) / 60:.1f} minutes, {len(files_of(tree))} files at the end")
    print(f"{len(scans)} scans, {lines} lines, exit statuses {exits}")
    for one in asking:
        print(f"{one.name}: {one.asked} events, {dict(sorted(one.statuses.items()))}")
    print(f"{'':16} {'':12} {'first 1/4':>9} {'most':>9} {'last 1/4':>9} {'most':>9} {'samples':>8}")
    for one in asking:
        account(one.name, "RSS MiB", one.samples, 1, trouble, memory_grown)
        account(one.name, "descriptors", one.samples, 2, trouble, descriptors_grown)
    for number, how in enumerate(SCANS):
        mine = scans[number :: len(SCANS)]
        if len(mine) >= 8:
            account("scan " + " ".join(how)[:11], "peak MiB", mine, 1, trouble, memory_grown)
    if len(sys.argv) <= 3:
        subprocess.run(["chmod", "-R", "u+rwx", place], check=False)
        shutil.rmtree(place, ignore_errors=True)
    print("trouble:", len(trouble.found))
    sys.exit(1 if trouble.found else 0)


if __name__ == "__main__":
    main()
