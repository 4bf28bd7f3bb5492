#!/usr/bin/env python3
"""Run the tests of NIST's Public Key Interoperability Test Suite (PKITS 1.0.1) with `sigscan trust check`.

    check_pkits.py [CORPUS] [--sigscan PROGRAM] [--only TEST]

CORPUS is the folder that holds peers/pkits; without the argument the environment variable SIGSCAN_CORPUS names it, and
without that nothing is checked. pkits.tsv lists every test of the document: its number, the end entity's certificate, the
initial settings, the expected result, and the reason with which sigscan has to refuse what is to be refused. Every test is
given all certificates as intermediates and all CRLs: the search has to find the right ones. What pkits_deviations.tsv
lists must come out as it says there, with a reason; a listed test that passes fails too. Exit status: 0 when all holds,
else 1.
"""
import argparse
import os
import sys

from chains import deviations, finish, in_parallel, judged
from records import MOMENT, find_sigscan, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", default=os.environ.get("SIGSCAN_CORPUS"))
    parser.add_argument("--sigscan", metavar="PROGRAM", help="default: this repository's release build")
    parser.add_argument("--only", metavar="TEST", help="show one test (a number such as 4.8.1/2), and how it is run")
    options = parser.parse_args()
    if not options.corpus:
        print("pkits: skipped, SIGSCAN_CORPUS does not name the folder with the peers' test files")
        return 0
    folder = next((path for path in (os.path.join(options.corpus, "peers", "pkits"),
                                     os.path.join(options.corpus, "pkits")) if os.path.isdir(path)), None)
    if folder is None:
        print(f"pkits: {options.corpus} does not hold the test suite", file=sys.stderr)
        return 1
    sigscan = find_sigscan(options.sigscan)
    certificates, lists = os.path.join(folder, "certs"), os.path.join(folder, "crls")
    common = ["--purpose", "any", "--at", MOMENT, "--require-revocation", "--intermediates", certificates, "--crl", lists,
              "--trust-store", os.path.join(certificates, "TrustAnchorRootCertificate.crt")]
    tests = rows("pkits.tsv")

    def run(row):
        path = os.path.join(certificates, row["certificate"] + ".crt")
        return judged(sigscan, [path, *row["settings"].split(), *common], verbose=bool(options.only))

    if options.only:
        tests = [row for row in tests if row["test"] == options.only]
    known = deviations("pkits_deviations.tsv")
    failures, passed = [], 0
    listed = {row["certificate"] for row in rows("pkits.tsv")}
    there = {name.removesuffix(".crt") for name in os.listdir(certificates) if name.endswith("EE.crt")}
    failures += [(name, "an end entity of the suite that no test uses") for name in sorted(there - listed)]
    for row, got in zip(tests, in_parallel(run, tests)):
        wanted = ["Valid/ok"] if row["expected"] == "valid" else row["refusal"].split("|")
        deviation = known.pop(row["test"], None)
        if deviation is None and got in wanted:
            passed += 1
        elif deviation is None:
            failures.append((f"{row['test']} {row['certificate']}", f"expected {' or '.join(wanted)}, got {got}"))
        elif got in wanted:
            failures.append((row["test"], "passes although pkits_deviations.tsv lists it"))
        elif got != deviation["got"]:
            failures.append((row["test"], f"deviates with {got}, not {deviation['got']}: {deviation['why']}"))
    if not options.only:
        failures += [(test, "listed in pkits_deviations.tsv, but no test") for test in known]
    return finish("pkits", passed, len(tests) - passed - len(failures), failures)


if __name__ == "__main__":
    sys.exit(main())
