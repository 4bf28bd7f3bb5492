#!/usr/bin/env python3
"""What does --cache save?

    cache.py [FOLDER] [--files 5] [--megabytes 100] [--rounds 5] [--sigscan PROGRAM]

Measures, everything in memory, medians of ROUNDS runs each:

* generated PE files of MEGABYTES each: a scan without cache, and one with a cache that knows them;
* FOLDER, with real signed files: the same, and beside it what the second scan cannot save: walking the folder with a stat of
  each file, and judging. Judging is a scan of the same signatures in files that are nothing but headers and signatures, so
  that next to nothing is digested.

Scans write JSON Lines to /dev/null. Files must lie still for a second before they are kept.
"""
import argparse
import os
import random
import statistics
import struct
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "corpus"))
from measure import measured  # noqa: E402
from records import find_sigscan  # noqa: E402


def pe(octets, seed):
    """A 64-bit PE of about so many octets with one section of noise, and without signature."""
    rest = octets - 512
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 14, 0, rest, 0, 0, 4096, 4096, 0x140000000, 4096, 512,
                           6, 0, 0, 0, 6, 0, 0, 4096 + (rest + 4095 & ~4095), 512, 0, 3, 0, 1 << 20, 4096, 1 << 20, 4096, 0, 16)
    optional += bytes(16 * 8)
    section = struct.pack("<8sIIIIIIHHI", b".text", rest, 4096, rest, 512, 0, 0, 0, 0, 0x60000020)
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0x22)
    head = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + coff + optional + section
    return head.ljust(512, b"\0") + random.Random(seed).randbytes(rest)


def shrunk(octets):
    """The same headers and signatures with nothing between them; None for a file that has none."""
    if octets[:2] != b"MZ" or len(octets) < 64:
        return None
    start = struct.unpack_from("<I", octets, 60)[0]
    if octets[start:start + 4] != b"PE\0\0" or len(octets) < start + 160:
        return None
    magic = struct.unpack_from("<H", octets, start + 24)[0]
    entry = start + 24 + (96 if magic == 0x10B else 112) + 4 * 8
    offset, size = struct.unpack_from("<II", octets, entry)
    headers = struct.unpack_from("<I", octets, start + 24 + 60)[0]
    if not size or offset + size > len(octets) or headers > offset:
        return None
    head = bytearray(octets[:headers + 7 & ~7].ljust(headers + 7 & ~7, b"\0"))
    struct.pack_into("<I", head, entry, len(head))
    return bytes(head) + octets[offset:offset + size]


def walk_with_stat(folder):
    for root, _, names in os.walk(folder):
        for name in names:
            os.stat(os.path.join(root, name), follow_symlinks=False)


def median(rounds, run):
    times = [run() for _ in range(rounds + 1)]
    return statistics.median(times[1:])


def timed(function):
    before = time.perf_counter()
    function()
    return time.perf_counter() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--files", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sigscan", metavar="PROGRAM", help="default: this repository's release build")
    options = parser.parse_args()
    sigscan = find_sigscan(options.sigscan)

    def scan(folder, *more):
        cost = measured([sigscan, folder, "--json", "--quiet", "--at", "2026-06-01", *more], os.devnull, 600)
        if cost["code"]:
            raise SystemExit(f"exit {cost['code']}")
        return cost["wall"]

    def both(folder, cache):
        keep = ("--cache", cache, "--cache-settle", "1")
        without = median(options.rounds, lambda: scan(folder))
        scan(folder, *keep)
        return without, median(options.rounds, lambda: scan(folder, *keep))

    with tempfile.TemporaryDirectory() as place:
        large, small, cache = (os.path.join(place, name) for name in ("large", "small", "cache"))
        os.mkdir(large)
        for number in range(options.files):
            with open(os.path.join(large, f"{number}.exe"), "wb") as handle:
                handle.write(pe(options.megabytes * 1_000_000, number))
        time.sleep(1.5)
        start = median(options.rounds, lambda: scan(os.path.join(HERE, "..", "testdata", "fixtures", "pe32.exe")))
        without, known = both(large, cache)
        print(f"{options.files} PE files of {options.megabytes} MB")
        print(f"  without cache            {without:8.4f} s")
        print(f"  with a cache that knows  {known:8.4f} s   {without / known:.1f} times faster")
        print(f"  one small file           {start:8.4f} s   (start of the program)")
        if not options.folder:
            return
        os.mkdir(small)
        files = octets = 0
        for root, _, names in os.walk(options.folder):
            for name in names:
                path = os.path.join(root, name)
                with open(path, "rb") as handle:
                    whole = handle.read()
                if signed := shrunk(whole):
                    files, octets = files + 1, octets + len(whole)
                    with open(os.path.join(small, f"{files:05}.exe"), "wb") as handle:
                        handle.write(signed)
        time.sleep(1.5)
        without, known = both(options.folder, cache + "2")
        walk = median(options.rounds, lambda: timed(lambda: walk_with_stat(options.folder)))
        judging = median(options.rounds, lambda: scan(small))
        print(f"{options.folder}: {files} signed files, {octets / 1e6:.0f} MB")
        print(f"  without cache            {without:8.4f} s")
        print(f"  with a cache that knows  {known:8.4f} s   {without / known:.1f} times faster")
        print(f"  walk with stat           {walk:8.4f} s")
        print(f"  judging                  {judging:8.4f} s   with the walk: {known / (walk + judging):.2f} times this")


if __name__ == "__main__":
    main()
