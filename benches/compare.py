#!/usr/bin/env python3
"""Measure sigscan and other Authenticode tools on the same files, in the same run, on this machine.

    compare.py CORPUS [--runs 5] [--jobs 2] [--sigscan PROGRAM] [--python INTERPRETER]

Prints a Markdown table of medians. Every tool gets every regular file below CORPUS, on --jobs processes or
threads. The limit is `openssl dgst -sha256` over the same bytes on as many processes, each with half of them.
INTERPRETER is one that has signify, lief and yara-x installed (default: the one that runs this script); tools
that are not installed are named and left out. osslsigncode loads its list of roots anew for every file, so it
gets a list of one certificate, its fastest case (its verdicts are then wrong, its work is not less). The tools
take turns in every round, so that what else the machine does meets all of them; nothing else should run.
"""
import argparse
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "corpus"))
from measure import measured  # noqa: E402
from records import MOMENT, find_sigscan  # noqa: E402

WORKER = r"""
import logging, multiprocessing, sys
logging.disable(logging.CRITICAL)
tool, listing, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
if tool == "signify":
    from signify.authenticode import AuthenticodeFile
    def verify(path):
        with open(path, "rb") as handle:
            for signature in AuthenticodeFile.from_stream(handle).iter_embedded_signatures(include_nested=False):
                signature.verify()
elif tool == "lief":
    import lief
    lief.logging.disable()
    def verify(path):
        pe = lief.PE.parse(path)
        if pe and pe.has_signatures:
            pe.verify_signature()
else:
    import yara_x
    rules = yara_x.compile('import "pe" rule r { condition: for any s in pe.signatures : ( s.verified ) }')
    def verify(path):
        yara_x.Scanner(rules).scan_file(path)
def attempt(path):
    try:
        verify(path)
    except Exception:
        pass
if __name__ == "__main__":
    paths = open(listing, encoding="utf-8", errors="surrogateescape").read().split("\0")[:-1]
    with multiprocessing.Pool(jobs) as pool:
        for _ in pool.imap_unordered(attempt, paths, 4):
            pass
        pool.close()
        pool.join()
"""


def write_list(path, names):
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as handle:
        handle.writelines(name + "\0" for name in names)


def balanced(sizes, parts):
    """The names of sizes = {name: bytes} in `parts` lists of about the same number of bytes."""
    lists, totals = [[] for _ in range(parts)], [0] * parts
    for name in sorted(sizes, key=sizes.get, reverse=True):
        lightest = totals.index(min(totals))
        lists[lightest].append(name)
        totals[lightest] += sizes[name]
    return lists


def limit_command(sizes, jobs, work):
    """openssl over every byte: `jobs` processes at once, each with its share of the bytes."""
    parts = []
    for number, names in enumerate(balanced(sizes, jobs)):
        listing = os.path.join(work, f"part{number}")
        write_list(listing, names)
        parts.append(f"xargs -0 -a {shlex.quote(listing)} openssl dgst -sha256")
    return ["sh", "-c", " & ".join(parts) + " & wait"]


def version(command, line=0):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except OSError:
        return None
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[line].strip() if done.returncode == 0 and lines else None


def python_tool(python, module, distribution):
    return version([python, "-c", f"import {module}, importlib.metadata as m; print(m.version('{distribution}'))"], -1)


def tools(options, sigscan, sizes, work):
    """[(name, command)] of what is installed, the limit first; what is not is named on standard error."""
    scan = [sigscan, options.corpus, "--json", "--at", MOMENT, "--jobs", str(options.jobs)]
    found = [("openssl dgst -sha256", limit_command(sizes, options.jobs, work)),
             ("sigscan --json --hashes none", [*scan, "--hashes", "none"]),
             ("sigscan --json", scan)]
    listing = os.path.join(work, "all")
    write_list(listing, sizes)
    if shutil.which("osslsigncode"):
        root = os.path.join(work, "root.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=one root", "-keyout",
                        os.devnull, "-out", root], check=True, capture_output=True)
        name = " ".join((version(["osslsigncode", "--version"]) or "osslsigncode").replace(",", "").split()[:2])
        found.append((name, ["xargs", "-0", "-a", listing, "-P", str(options.jobs), "-n", "1", "osslsigncode", "verify",
                             "-CAfile", root, "-TSA-CAfile", root, "-ignore-crl", "-in"]))
    else:
        print("not installed, left out: osslsigncode", file=sys.stderr)
    worker = os.path.join(work, "worker.py")
    with open(worker, "w", encoding="utf-8") as handle:
        handle.write(WORKER)
    for module, distribution, probe in (("signify", "signify", "signify.authenticode"), ("lief", "lief", "lief"),
                                        ("yara_x", "yara-x", "yara_x")):
        number = python_tool(options.python, probe, distribution)
        if number:
            found.append((f"{distribution} {number}", [options.python, worker, module, listing, str(options.jobs)]))
        else:
            print(f"not installed (or does not import), left out: {distribution}", file=sys.stderr)
    return found


def start_to_exit(sigscan, sizes, runs):
    """(path, median milliseconds) of one small file; the measuring itself costs about one millisecond."""
    def is_pe(path):
        with open(path, "rb") as handle:
            return handle.read(2) == b"MZ"
    path = next((name for name in sorted(sizes, key=sizes.get) if sizes[name] > 8192 and is_pe(name)), None)
    if path is None:
        return None
    command = [sigscan, path, "--json", "--at", MOMENT]
    return path, statistics.median(measured(command, os.devnull)["wall"] for _ in range(max(runs, 11))) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sigscan", metavar="PROGRAM", help="default: this repository's release build")
    parser.add_argument("--python", default=sys.executable, metavar="INTERPRETER")
    options = parser.parse_args()
    sigscan = find_sigscan(options.sigscan)
    corpus = os.path.abspath(options.corpus)
    sizes = {path: os.path.getsize(path)
             for parent, _, names in os.walk(corpus) for path in (os.path.join(parent, name) for name in names)
             if os.path.isfile(path) and not os.path.islink(path)}
    if not sizes:
        raise SystemExit(f"no files below {corpus}")
    total = sum(sizes.values())

    with tempfile.TemporaryDirectory() as work:
        chosen = tools(options, sigscan, sizes, work)
        measured(chosen[0][1], os.devnull)  # every byte into the page cache
        costs = {name: [] for name, _ in chosen}
        for number in range(options.runs):
            for name, command in chosen:
                print(f"run {number + 1} of {options.runs}: {name}", file=sys.stderr)
                cost = measured(command, os.devnull, stderr=subprocess.DEVNULL)
                if name.startswith(("sigscan", "openssl")) and cost["code"]:
                    raise SystemExit(f"{name} exited with {cost['code']}")
                costs[name].append(cost)
        small = start_to_exit(sigscan, sizes, options.runs)

    def median(name, key):
        return statistics.median(cost[key] for cost in costs[name])

    base = median("sigscan --json", "wall")
    print(f"{len(sizes)} files, {total / 1e6:.0f} MB, {options.jobs} processes or threads, "
          f"median of {options.runs} runs\n")
    print("| tool | s | files/s | MB/s | CPU s | peak MiB | time, sigscan = 1 |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, _ in chosen:
        wall = max(median(name, "wall"), 1e-4)
        print(f"| {name} | {wall:.2f} | {len(sizes) / wall:.0f} | {total / 1e6 / wall:.0f} | {median(name, 'cpu'):.2f} "
              f"| {median(name, 'peak_mib'):.0f} | {wall / base:.2f} |")
    limit = max(median("openssl dgst -sha256", "wall"), 1e-4)
    print(f"\nPhysical limit, `openssl dgst -sha256` on {options.jobs} processes: "
          f"`sigscan --json --hashes none` takes {median('sigscan --json --hashes none', 'wall') / limit:.2f} times as "
          f"long, `sigscan --json` {base / limit:.2f} times.")
    print("Peak memory is that of the largest single process.")
    if small:
        print(f"One file of {sizes[small[0]]} bytes, from start to exit: {small[1]:.1f} ms.")


if __name__ == "__main__":
    main()
