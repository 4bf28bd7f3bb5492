#!/usr/bin/env python3
"""Compare sigscan's verdicts on the peers' own test files with those expected.

    check_peers.py [PEERS] [--sigscan PROGRAM]

PEERS is the folder with the peers' test files, or its parent; without the argument the environment variable
SIGSCAN_CORPUS names it, and without that nothing is checked. With --all every regular file must get a record,
quickly and without a panic. peers.tsv lists what the PE files must get; where it has `?`, peers disagree or
cannot know, and peers_decisions.tsv decides status and reason from the specification. The last parts verify
the PE files of PEERS/lab under the lab's own roots, without and with the lab's CRLs: what lab/expected.jsonl says,
and where that is not `ok`, the status and reason of lab_decisions.tsv and lab_crl_decisions.tsv. Exit status: 0 when all holds, else 1.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

from records import MOMENT, find_sigscan, records, rows, scan, sha256, verdict, wrong_hashes

SECONDS = 300  # a hang is a failure; a scan of these 34 MB takes about one second
UNSETTLED = ("recomputed differs", "signify cannot read it")  # digests of odd files that are nobody's standard
UNREAD = ("Unsigned", "Error/unsupported-format")  # for containers that sigscan does not read


def regular_files(folder):
    return {os.path.relpath(os.path.join(parent, name), folder)
            for parent, _, names in os.walk(folder) for name in names
            if os.path.isfile(os.path.join(parent, name)) and not os.path.islink(os.path.join(parent, name))}


def wrong_verdict(row, record, decisions):
    """What is wrong with the verdict on one row of peers.tsv, or None; a decision that is used is taken out."""
    is_pe = row["kind"] in ("pe", "mz")
    if is_pe and row["status"] == "?":
        decision = decisions.pop(row["path"], None)
        if decision is None:
            return "peers do not settle it and peers_decisions.tsv does not decide it"
        wanted = f"{decision['status']}/{decision['reason']}"
        return None if verdict(record) == wanted else f"expected {wanted}, got {verdict(record)}: {decision['why']}"
    if is_pe:
        right = record["status"] == row["status"]
    else:
        right = row["status"] == "?" or row["status"] == record["status"] or (
            row["status"] == "Unsigned" and verdict(record) in UNREAD)
    return None if right else f"expected {row['status']}, got {verdict(record)}"


def check_all(sigscan, peers, work):
    """(rows passed, [(what, complaint)]) for the whole folder."""
    output = os.path.join(work, "all.jsonl")
    cost, wrong = scan(sigscan, [peers, "--all", "--json", "--at", MOMENT], output, SECONDS)
    print(f"all files: {cost['wall']:.2f} s, peak {cost['peak_mib']:.1f} MiB")
    found, more = records(output, peers)
    failures = [("run", text) for text in wrong + more]
    listed = {row["path"]: row for row in rows("peers.tsv")}
    decisions = {row["path"]: row for row in rows("peers_decisions.tsv")}
    digests = {row["sha256_of_file"]: row for row in rows("authentihash.tsv")}
    on_disk, passed = regular_files(peers), 0
    for path in sorted(on_disk):
        record, row = found.get(path), listed.get(path)
        complaints = []
        if record is None:
            complaints.append("no record")
        elif row and sha256(os.path.join(peers, path)) != row["sha256"]:
            complaints.append("other bytes than those listed")
        elif row:
            complaints = [text for text in [wrong_verdict(row, record, decisions)] if text]
            line = digests.get(row["sha256"])
            if line and not any(text in line["note"] for text in UNSETTLED):
                complaints += wrong_hashes(record, line)
        failures += [(path, text) for text in complaints]
        passed += not complaints
    failures += [(path, "listed in peers.tsv, but not there") for path in sorted(set(listed) - on_disk)]
    failures += [(path, "decided in peers_decisions.tsv, but nothing to decide") for path in decisions
                 if path in on_disk and (listed.get(path, {}).get("status") != "?")]
    return passed, failures


def check_lab(sigscan, peers, work, column="nocrl", table="lab_decisions.tsv", more_options=()):
    """The same for the lab's PE files with the lab's roots as the only trust."""
    lab, output = os.path.join(peers, "lab"), os.path.join(work, f"lab-{column}.jsonl")
    with open(os.path.join(lab, "expected.jsonl"), encoding="utf-8") as handle:
        expected = {row["file"]: row[column]["verdict"] for row in map(json.loads, handle)}
    expected = {name: told for name, told in expected.items() if name.endswith(".exe")}
    roots = [os.path.join(lab, "certs", name) for name in ("CACert.pem", "TSACA.pem")]
    trust = [word for root in roots for word in ("--trust-store", root)]
    _, wrong = scan(sigscan, [*(os.path.join(lab, name) for name in sorted(expected)), "--json", "--at", MOMENT,
                              *trust, *more_options], output, SECONDS)
    found, more = records(output, lab)
    failures = [("lab", text) for text in wrong + more]
    decisions = {row["path"]: row for row in rows(table)}
    passed = 0
    for name, told in sorted(expected.items()):
        decision = decisions.pop(name, None)
        if told == "ok" and decision is None:
            wanted, why = "Valid/ok", "the lab's own roots are the trust store"
        elif decision:
            wanted, why = f"{decision['status']}/{decision['reason']}", decision["why"]
        else:
            failures.append((name, f"expected.jsonl says {told} and {table} does not decide it"))
            continue
        got = verdict(found[name]) if name in found else "no record"
        if got == wanted:
            passed += 1
        else:
            failures.append((f"lab/{name}", f"with the lab's roots ({column}): expected {wanted}, got {got}: {why}"))
    failures += [(name, f"decided in {table}, but not in the lab") for name in decisions]
    return passed, failures


def check_lab_crl(sigscan, peers, work):
    """The same with the lab's revocation lists, all of them from their folder."""
    lists = ("--crl", os.path.join(peers, "lab", "certs"))
    return check_lab(sigscan, peers, work, "crl", "lab_crl_decisions.tsv", lists)


# File, catalog, verdict, and whether the catalog lists the file. ntexe.cat is of another Windows than its neighbours.
LISTED = (
    ("signify/DXCore.dll", "signify/115fe8649854ad531fb7ecd1318fbee6b33c9cbd78f02ed582092a96d5eb5899.cat",
     "Valid/ok", True),
    ("signify/amdacpbtscoext.inf", "signify/oem89.cat", "Valid/ok", True),
    ("go-pe/testdata/notepad.exe", "go-pe/testdata/ntexe.cat", "Unsigned/no-signature", False),
)


def check_catalogs(sigscan, peers, work):
    """Files that are signed through a catalog, with the default store."""
    output, failures, passed = os.path.join(work, "listed.jsonl"), [], 0
    for name, catalog, wanted, listed in LISTED:
        path = os.path.join(peers, catalog)
        _, wrong = scan(sigscan, [os.path.join(peers, name), "--catalog", path, "--json", "--at", MOMENT], output,
                        SECONDS)
        found, more = records(output, peers)
        complaints = wrong + more
        record = found.get(name)
        if record is None or verdict(record) != wanted:
            complaints.append(f"expected {wanted}, got {verdict(record) if record else 'no record'}")
        elif record["catalog"] != (path if listed else "none"):
            complaints.append(f"catalog {record['catalog']}")
        elif listed and record["catalog_signature"]["status"] != "Valid":
            complaints.append(f"catalog is {record['catalog_signature']['status']}")
        failures += [(name, f"with {catalog}: {text}") for text in complaints]
        passed += not complaints
    return passed, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="?", default=os.environ.get("SIGSCAN_CORPUS"))
    parser.add_argument("--sigscan", metavar="PROGRAM", help="default: this repository's release build")
    options = parser.parse_args()
    if not options.peers:
        print("peers: skipped, SIGSCAN_CORPUS does not name the folder with the peers' test files")
        return 0
    peers = options.peers
    if os.path.isdir(os.path.join(peers, "peers")):
        peers = os.path.join(peers, "peers")
    if not os.path.isdir(os.path.join(peers, "lab")):
        print(f"peers: {peers} does not hold the peers' test files", file=sys.stderr)
        return 1
    sigscan = find_sigscan(options.sigscan)
    passed, failures = 0, []
    with tempfile.TemporaryDirectory() as work:
        for check in (check_all, check_lab, check_lab_crl, check_catalogs):
            try:
                more, wrong = check(sigscan, peers, work)
            except subprocess.TimeoutExpired:
                more, wrong = 0, [(check.__name__, f"no end after {SECONDS} s")]
            passed += more
            failures += wrong
    for name, text in failures:
        print(f"FAILED {name}: {text}")
    print(f"peers: {passed} passed, {len({name for name, _ in failures})} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
