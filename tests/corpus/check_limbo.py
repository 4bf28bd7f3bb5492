#!/usr/bin/env python3
"""Run the test cases of x509-limbo with `sigscan trust check`.

    check_limbo.py [CORPUS] [--sigscan PROGRAM] [--only TEST]

CORPUS is the folder that holds peers/x509-limbo/limbo.json; without the argument the environment variable SIGSCAN_CORPUS
names it, and without that nothing is checked. Certificates are judged as of the case's own moment, with its roots, intermediates
and CRLs; where it has CRLs, they must answer. limbo.tsv says of every case for which purpose (none in particular where the
case is not about usages), and what sigscan must say: a case that limbo expects to succeed must be Valid/ok, one that it expects to fail must be refused
with the reason that the case is about; any other row is a deviation and says why. Exit status: 0 when all holds, else 1.
"""
import argparse
import datetime
import json
import os
import sys
import tempfile

from chains import finish, in_parallel, judged
from records import MOMENT, find_sigscan, rows


def moment(case):
    """The case's moment in whole seconds, as sigscan takes it."""
    text = case["validation_time"]
    if text is None:
        return MOMENT
    time = datetime.datetime.fromisoformat(text).astimezone(datetime.timezone.utc)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def arguments(case, purpose, folder):
    """Writes the case's certificates and CRLs into a folder: the arguments that judge it."""
    def file(name, blocks):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="ascii") as handle:
            handle.write("\n".join(blocks) + "\n")
        return path

    words = [file("peer.pem", [case["peer_certificate"]]), "--purpose", purpose, "--at", moment(case),
             "--trust-store", file("roots.pem", case["trusted_certs"])]
    if case["untrusted_intermediates"]:
        words += ["--intermediates", file("intermediates.pem", case["untrusted_intermediates"])]
    if case["crls"]:
        words += ["--crl", file("lists.pem", case["crls"]), "--require-revocation"]
    return words


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", default=os.environ.get("SIGSCAN_CORPUS"))
    parser.add_argument("--sigscan", metavar="PROGRAM", help="default: this repository's release build")
    parser.add_argument("--only", metavar="TEST", help="show one case, and how it is run")
    options = parser.parse_args()
    if not options.corpus:
        print("limbo: skipped, SIGSCAN_CORPUS does not name the folder with the peers' test files")
        return 0
    path = next((path for path in (os.path.join(options.corpus, "peers", "x509-limbo", "limbo.json"),
                                   os.path.join(options.corpus, "x509-limbo", "limbo.json")) if os.path.exists(path)),
                None)
    if path is None:
        print(f"limbo: {options.corpus} does not hold the test cases", file=sys.stderr)
        return 1
    sigscan = find_sigscan(options.sigscan)
    with open(path, encoding="utf-8") as handle:
        cases = json.load(handle)["testcases"]
    cases = [case for case in cases if options.only in (None, case["id"])]

    known = {row["test"]: row for row in rows("limbo.tsv")}

    def run(case):
        purpose = known.get(case["id"], {}).get("purpose", "any")
        with tempfile.TemporaryDirectory() as folder:
            return judged(sigscan, arguments(case, purpose, folder), verbose=bool(options.only))

    failures, passed, deviating = [], 0, 0
    for case, got in zip(cases, in_parallel(run, cases)):
        row = known.pop(case["id"], None)
        if row is None:
            failures.append((case["id"], f"not in limbo.tsv; limbo says {case['expected_result']}, sigscan {got}"))
            continue
        status = row["verdict"].split("/")[0]
        agrees = status == "Valid" if case["expected_result"] == "SUCCESS" else status not in ("Valid", "Error")
        if got != row["verdict"]:
            failures.append((case["id"], f"expected {row['verdict']}, got {got}"))
        elif agrees == bool(row["why"].strip()):
            failures.append((case["id"], "a deviation needs a reason, and only a deviation has one"))
        else:
            passed += agrees
            deviating += not agrees
    if not options.only:
        failures += [(test, "in limbo.tsv, but no case") for test in known]
    return finish("limbo", passed, deviating, failures)


if __name__ == "__main__":
    sys.exit(main())
