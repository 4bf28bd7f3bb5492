#!/usr/bin/env python3
"""Measure how far sigscan is from what this machine can do, and how far other tools are, in one run.

    speed.py CORPUS SETS [--runs 5] [--jobs 2] [--sigscan PROGRAM] [--walk PROGRAM] [--python INTERPRETER]

CORPUS is the folder of real files that tests/corpus/build.py fills; SETS one that the generator has filled:

    cargo build --release --examples
    target/release/examples/bench-sets SETS

Everything takes turns in every round, medians count, and nothing else should run. INTERPRETER has signify, lief and
yara-x installed (compare.py says how each tool is called); what is not installed is left out.

The limit of a set is max(bytes / (jobs x rate), files x cost / jobs): `rate` is what one core hashes with SHA-256 in
memory when `jobs` do so at once (OpenSSL's code, one stream each), `cost` what opening a file and reading its first
4 KiB takes in a sorted walk (bench-walk), both measured in this run. A file's bytes still have to be copied from
the page cache, which the limit leaves out.
"""
import argparse
import multiprocessing
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "tests", "corpus"))
from compare import tools  # noqa: E402
from measure import measured  # noqa: E402
from records import MOMENT, find_sigscan  # noqa: E402

SMALL_PE = 10_000_000


def hash_in_memory(seconds):
    import hashlib
    block, count, began = bytes(256 * 1024), 0, time.perf_counter()
    hasher = hashlib.sha256()
    while time.perf_counter() - began < seconds:
        for _ in range(16):
            hasher.update(block)
        count += 16
    return count * len(block) / (time.perf_counter() - began)


def rate(jobs):
    """Octets a second that each of `jobs` cores hashes."""
    with multiprocessing.Pool(jobs) as pool:
        return statistics.mean(pool.map(hash_in_memory, [0.5] * jobs, 1))


def read_and_hash(names):
    """One stream of SHA-256 over each file, read in blocks of 256 KiB: what an independent pass costs."""
    import hashlib
    block = bytearray(256 * 1024)
    view = memoryview(block)
    for name in names:
        hasher = hashlib.sha256()
        with open(name, "rb", buffering=0) as handle:
            while count := handle.readinto(block):
                hasher.update(view[:count])


def one_pass(names, jobs):
    """Seconds that one independent pass over these files takes."""
    with multiprocessing.Pool(jobs) as pool:
        began = time.perf_counter()
        pool.map(read_and_hash, [[name] for name in names], 1)
        return time.perf_counter() - began


def files_below(folder):
    found = (os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return sorted(name for name in found if os.path.isfile(name) and not os.path.islink(name))


def is_signed_pe(path):
    """Whether a PE header names a certificate table."""
    with open(path, "rb") as handle:
        head = handle.read(4096)
    try:
        (start,) = struct.unpack_from("<I", head, 0x3c)
        if head[:2] != b"MZ" or head[start:start + 4] != b"PE\0\0":
            return False
        (magic,) = struct.unpack_from("<H", head, start + 24)
        offset, size = struct.unpack_from("<II", head, start + 24 + (0x90 if magic == 0x20b else 0x80))
        return offset > 0 and size > 0
    except struct.error:
        return False


class Bench:
    def __init__(self, options):
        self.options = options
        self.sigscan = find_sigscan(options.sigscan)
        self.walk = options.walk or os.path.join(os.path.dirname(self.sigscan), "examples", "bench-walk")
        if not os.path.exists(self.walk):
            raise SystemExit(f"no {self.walk}: cargo build --release --examples")
        self.took = {}  # what was measured: list of its values, one a round

    def note(self, name, value):
        self.took.setdefault(name, []).append(value)

    def median(self, name):
        return statistics.median(self.took[name])

    def scan(self, name, folder, *flags):
        command = [self.sigscan, folder, "--json", "--at", MOMENT, "--jobs", str(self.options.jobs), *flags]
        cost = measured(command, os.devnull, stderr=subprocess.DEVNULL)
        if cost["code"]:
            raise SystemExit(f"{' '.join(command)} exited with {cost['code']}")
        for key, value in cost.items():
            self.note((name, key), value)

    def walked(self, name, folder, what):
        said = subprocess.run([self.walk, folder, what], check=True, capture_output=True, text=True).stdout.split()
        self.note(name, float(said[1]))
        return int(said[0])

    def limit(self, octets, files):
        jobs = self.options.jobs
        return max(octets / (jobs * self.median("rate")), files * self.median("open") / jobs)


def copy_signed(corpus, folder):
    """Up to 500 signed PE files of at most 10 MB, so that every tool gets the same folder."""
    chosen = [name for name in files_below(corpus) if os.path.getsize(name) <= SMALL_PE and is_signed_pe(name)][:500]
    for number, name in enumerate(chosen):
        shutil.copyfile(name, os.path.join(folder, f"{number:03}{os.path.splitext(name)[1]}"))
    return files_below(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("sets")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sigscan", metavar="PROGRAM", help="default: this repository's release build")
    parser.add_argument("--walk", metavar="PROGRAM", help="default: examples/bench-walk beside it")
    parser.add_argument("--python", default=sys.executable, metavar="INTERPRETER")
    options = parser.parse_args()
    bench = Bench(options)
    with tempfile.TemporaryDirectory() as work:
        signed_folder, lists = os.path.join(work, "signed"), os.path.join(work, "lists")
        os.mkdir(signed_folder)
        os.mkdir(lists)
        signed = copy_signed(options.corpus, signed_folder)
        large, tree, sparse = (os.path.join(options.sets, name) for name in ("large", "tree", "sparse"))
        large_files = files_below(large)
        sizes = {name: os.path.getsize(name) for name in signed}
        options.corpus = signed_folder
        peers = [peer for peer in tools(options, bench.sigscan, sizes, lists) if not peer[0].startswith(("sigscan", "openssl"))]
        fixture = os.path.join(ROOT, "testdata", "fixtures", "pe32.exe")
        tree_files = bench.walked("warm", tree, "head")
        one_pass(large_files, options.jobs)
        for number in range(options.runs):
            print(f"round {number + 1} of {options.runs}", file=sys.stderr)
            bench.note("rate", rate(options.jobs))
            bench.note("open", bench.walked("walk", tree, "head") and bench.took["walk"][-1] / tree_files)
            for name, folder, flags in (("signed", signed_folder, ("--hashes", "none")), ("signed+", signed_folder, ()),
                                        ("large", large, ("--hashes", "none", "--no-correlate")), ("large+", large, ()),
                                        ("tree", tree, ("--hashes", "none")), ("tree+", tree, ()),
                                        ("sparse", sparse, ("--hashes", "none"))):
                bench.scan(name, folder, *flags)
            bench.note("pass", one_pass(large_files, options.jobs))
            for _ in range(5):
                bench.scan("one", fixture)
                bench.note("nothing", measured(["true"], os.devnull)["wall"])
            for name, command in peers:
                cost = measured(command, os.devnull, stderr=subprocess.DEVNULL)
                for key, value in cost.items():
                    bench.note((name, key), value)
        report(bench, signed, large_files, tree_files, [name for name, _ in peers])


def report(bench, signed, large_files, tree_files, peers):
    octets = sum(map(os.path.getsize, signed))
    large_octets = sum(map(os.path.getsize, large_files))
    jobs = bench.options.jobs
    print(f"{jobs} cores, medians of {bench.options.runs}. One core hashes {bench.median('rate') / 1e6:.0f} MB/s with "
          f"SHA-256 in memory, one stream; opening a file costs {bench.median('open') * 1e6:.1f} us.\n")
    print(f"{len(signed)} signed PE files, {octets / 1e6:.0f} MB, all up to 10 MB:\n")
    print("| tool | s | files/s | MB/s | CPU s | peak MiB | times as long as sigscan | of the limit |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    base, limit = bench.median(("signed", "wall")), bench.limit(octets, len(signed))
    rows = [("sigscan --hashes none", "signed"), ("sigscan", "signed+")] + [(name, name) for name in peers]
    for title, name in rows:
        wall = bench.median((name, "wall"))
        print(f"| {title} | {wall:.3f} | {len(signed) / wall:.0f} | {octets / 1e6 / wall:.0f} | {bench.median((name, 'cpu')):.2f} "
              f"| {bench.median((name, 'peak_mib')):.0f} | {wall / base:.1f} | {limit / wall:.0%} |")
    large_limit = bench.limit(large_octets, len(large_files))
    wall, both = bench.median(("large", "wall")), bench.median(("large+", "wall"))
    print(f"\n{len(large_files)} signed PE files, {large_octets / 1e6:.0f} MB: {wall:.3f} s, "
          f"{large_octets / 1e6 / wall:.0f} MB/s, {large_limit / wall:.0%} of the limit of one stream a core.")
    print(f"With the files' own SHA-256: {both:.3f} s; two independent passes {2 * bench.median('pass'):.3f} s "
          f"({2 * bench.median('pass') / both:.2f} times as long), hashed in memory {2 * large_limit:.3f} s "
          f"({2 * large_limit / both:.2f} times).")
    tree, walk = bench.median(("tree", "wall")), bench.median("walk")
    print(f"\n{tree_files} files, a tenth of them PE: {tree:.3f} s, a bare sorted walk with open and one read {walk:.3f} s "
          f"({tree / walk:.2f} times as long on {jobs} threads as that on one); with SHA-256 of everything that can be signed "
          f"{bench.median(('tree+', 'wall')):.3f} s.")
    print(f"\nOne small file from start to exit: {bench.median(('one', 'wall')) * 1e3:.1f} ms; `true`: "
          f"{bench.median('nothing') * 1e3:.1f} ms.")
    peak = max((bench.median((name, "peak_mib")), name) for name in ("signed", "large", "large+", "tree+", "sparse"))
    print(f"Peak memory: {peak[0]:.0f} MiB ({peak[1]}); {bench.median(('sparse', 'peak_mib')):.0f} MiB and "
          f"{bench.median(('sparse', 'wall')):.2f} s for a sparse file of 100 GiB.")


if __name__ == "__main__":
    main()
