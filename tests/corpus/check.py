#!/usr/bin/env python3
"""Compare sigscan's verdicts with those expected for a corpus of real files.

    check.py CORPUS [--sigscan PROGRAM] [--max-rss-mib N]

CORPUS is what build.py made. Every row of expected.tsv that is present must get the status that the row
names (rows that are not PE files: no record, or Unsigned), every PE the digests of authentihash.tsv.
A difference is allowed only where exceptions.tsv lists it, with its reason, and what is listed must occur.
Two runs, with one and with two jobs, must say the same byte for byte. Exit status: 0 when all holds, else 1.
"""
import argparse
import collections
import filecmp
import os
import subprocess
import sys
import tempfile

from records import MOMENT, find_sigscan, recomputed_row, records, rows, scan, sha256, wrong_hashes

ENOUGH = 700  # a registry can withdraw old versions; with fewer files than this the check says little
NO_RECORD = "(no record)"
STATUSES = ("Valid", "Unsigned", "Untrusted", "Expired", "Revoked", "Invalid", "Error")


def print_matrix(pairs):
    got = [s for s in (*STATUSES, NO_RECORD) if any(pair[1] == s for pair in pairs)]
    got += sorted({pair[1] for pair in pairs} - set(got))
    width = max(map(len, ("expected", *got))) + 2
    print("".join(name.rjust(width) for name in ("expected", *got)))
    for expected in sorted({pair[0] for pair in pairs}):
        cells = (str(pairs.get((expected, name), ".")) for name in got)
        print("".join(cell.rjust(width) for cell in (expected, *cells)))


def look_at_disk(corpus, expected):
    """(rows whose file is there with its bytes, paths missing, paths with other bytes)"""
    present, missing, changed = [], [], []
    for row in expected:
        path = os.path.join(corpus, row["path"])
        if not os.path.isfile(path):
            missing.append(row["path"])
        elif sha256(path) != row["sha256"]:
            changed.append(row["path"])
        else:
            present.append(row)
    return present, missing, changed


def judge(corpus, row, record, digests, exceptions):
    """(status got, complaints) for one row; an exception that is used is taken out of `exceptions`."""
    got = record["status"] if record else NO_RECORD
    right = got == row["status"] if row["kind"] == "pe" else got in (NO_RECORD, "Unsigned")
    complaints = []
    listed = exceptions.get(row["path"])
    if not right and listed and (listed["expected"], listed["got"]) == (row["status"], got):
        del exceptions[row["path"]]
    elif not right:
        reason = f" ({record.get('reason')})" if record else ""
        complaints.append(f"expected {row['status']}, got {got}{reason}")
    if row["kind"] == "pe" and record:
        line = digests.get(row["sha256"]) or recomputed_row(os.path.join(corpus, row["path"]), record)
        complaints += wrong_hashes(record, line)
    return got, complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--sigscan", metavar="PROGRAM", help="default: this repository's release build")
    parser.add_argument("--max-rss-mib", type=float, metavar="N", help="fail if a run needs more memory")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS", help="for one run (300)")
    options = parser.parse_args()
    sigscan = find_sigscan(options.sigscan)

    present, missing, changed = look_at_disk(options.corpus, rows("expected.tsv"))
    failures = [(path, "other bytes than those listed") for path in changed]
    for path in missing:
        print(f"missing: {path}")
    if len(present) < ENOUGH:
        failures.append(("corpus", f"only {len(present)} files are there, {ENOUGH} are needed"))

    with tempfile.TemporaryDirectory() as work:
        outputs = [os.path.join(work, f"jobs{jobs}.jsonl") for jobs in (1, 2)]
        found, peak = {}, 0.0
        try:
            for jobs, output in enumerate(outputs, 1):
                cost, wrong = scan(sigscan, [options.corpus, "--json", "--at", MOMENT, "--jobs", str(jobs)],
                                   output, options.timeout)
                print(f"jobs {jobs}: {cost['wall']:.2f} s, {cost['cpu']:.2f} s of CPU, peak {cost['peak_mib']:.1f} MiB")
                peak = max(peak, cost["peak_mib"])
                failures += [(f"run with {jobs} jobs", text) for text in wrong]
            found, wrong = records(outputs[0], options.corpus)
            failures += [("output", text) for text in wrong]
            if not filecmp.cmp(*outputs, shallow=False):
                failures.append(("determinism", "one job and two jobs give different bytes"))
        except subprocess.TimeoutExpired:
            failures.append(("time", f"no end after {options.timeout:.0f} s"))
    if options.max_rss_mib and peak > options.max_rss_mib:
        failures.append(("memory", f"{peak:.1f} MiB, more than {options.max_rss_mib:.0f}"))

    exceptions = {row["path"]: row for row in rows("exceptions.tsv")}
    digests = {row["sha256_of_file"]: row for row in rows("authentihash.tsv")}
    excused = len(exceptions)
    passed, pairs = 0, collections.Counter()
    for row in present:
        got, complaints = judge(options.corpus, row, found.get(row["path"]), digests, exceptions)
        pairs[row["status"] if row["kind"] == "pe" else f"{row['status']}, {row['kind']}", got] += 1
        failures += [(row["path"], text) for text in complaints]
        passed += not complaints
    absent = set(missing) | set(changed)
    for path in exceptions:
        if path not in absent:
            failures.append((path, "unexpected pass: listed in exceptions.tsv, but does not occur"))
    extra = set(found) - {row["path"] for row in present} - absent
    for path in sorted(extra)[:20]:
        print(f"not in the list: {path}")

    print()
    print_matrix(pairs)
    print(f"\n{len(present)} files present, {len(missing)} missing, {len(changed)} with other bytes, "
          f"{len(extra)} records of unlisted files, {excused - len(exceptions)} exceptions used")
    for name, text in failures:
        print(f"FAILED {name}: {text}")
    failed = len({name for name, _ in failures})
    print(f"corpus: {passed} passed, {failed} failed" + (f", {len(missing)} skipped" if missing else ""))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
