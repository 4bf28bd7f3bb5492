#!/usr/bin/env python3
"""Graft signatures of real files onto other real files, as SigThief does, and see whether sigscan names each donor.

    check_hunt.py CORPUS [--sigscan PROGRAM] [--pairs N] [--seed N]

CORPUS is what build.py made. For each pair of a signed and an unsigned PE file, drawn with a fixed seed, the signed one's
certificate table is appended to a copy of the unsigned one and the security directory pointed at it; nothing else is
touched. A third as many pairs each are made onto hosts of odd length, onto signed hosts whose own table stays, and onto
signed hosts whose table was cut off before, as SigThief's -T does. Every graft must be Invalid and a member of a finding X201 whose donor is the signed file, or another file that
carries the same signature and is what was signed. Then the corpus by itself: between honest files there must be no finding of
high or critical severity, but those of hunt_exceptions.tsv with their reasons. Exit status: 0 when all holds, else 1.
"""
import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

from records import MOMENT, find_sigscan, rows

BATCH = 100  # grafts on disk at a time


def security_entry(data):
    """Offset of the security directory entry in a PE file."""
    optional = struct.unpack_from("<I", data, 0x3C)[0] + 24
    magic = struct.unpack_from("<H", data, optional)[0]
    return optional + (128 if magic == 0x10B else 144)


def plain(made):
    """A host as it is: unsigned, or signed with its own table left where it is."""


def unaligned(made):
    """A host whose length is no multiple of eight."""
    made.extend(b"\x01" * (1 if len(made) % 8 != 7 else 2))


def truncated(made):
    """A signed host without its signature: SigThief's -T cuts the table's size off the end and zeroes the entry."""
    entry = security_entry(made)
    _, size = struct.unpack_from("<II", made, entry)
    del made[-size:]
    struct.pack_into("<II", made, entry, 0, 0)


# Name of the layout, what is done to the host first, whether the host is signed.
LAYOUTS = [("plain", plain, False), ("unaligned", unaligned, False), ("onto-signed", plain, True), ("truncated", truncated, True)]


def graft(donor, host, prepare):
    """The host's bytes with the donor's certificate table at their end."""
    with open(donor, "rb") as handle:
        data = handle.read()
    offset, size = struct.unpack_from("<II", data, security_entry(data))
    table = data[offset:offset + size]
    with open(host, "rb") as handle:
        made = bytearray(handle.read())
    prepare(made)
    struct.pack_into("<II", made, security_entry(made), len(made), len(table))
    return bytes(made) + table


def lines(sigscan, paths):
    """(records by path, findings) of the named files."""
    names = "\0".join(paths).encode(errors="surrogateescape")
    command = [sigscan, "--files-from", "-", "-0", "--json", "--hashes", "none", "--at", MOMENT]
    run = subprocess.run(command, input=names, stdout=subprocess.PIPE, timeout=600, check=True)
    found = [json.loads(line) for line in run.stdout.splitlines()]
    records = {line["path"]: line for line in found if line["schema"] == "sigscan.record/1"}
    return records, [line for line in found if line["schema"] == "sigscan.finding/1"]


def draw(chance, signed, unsigned, records, pairs):
    """Donor, host and layout of each graft. No file is its own host, nor one with the same content."""
    drawn = []
    for index, layout in enumerate(LAYOUTS):
        hosts = signed if layout[2] else unsigned
        wanted = pairs if index == 0 else -(-pairs // 3)
        while hosts and wanted:
            donor, host = chance.choice(signed), chance.choice(hosts)
            if records[donor]["keys"]["signed_digest"] != records[host]["keys"]["signed_digest"]:
                drawn.append((donor, host, layout))
                wanted -= 1
    return drawn


def check_batch(sigscan, pairs, folder):
    """Complaints about one batch of grafts."""
    made = {}
    for number, (donor, host, layout) in enumerate(pairs):
        path = os.path.join(folder, f"{number:04}.exe")
        with open(path, "wb") as handle:
            handle.write(graft(donor, host, layout[1]))
        made[path] = (donor, layout[0])
    donors = sorted({donor for donor, _, _ in pairs})
    records, findings = lines(sigscan, donors + sorted(made))
    clusters = {}
    for finding in findings:
        if finding["code"] == "X201":
            clusters.update((member, finding) for member in finding["members"])
    complaints = []
    for path, (donor, layout) in made.items():
        record = records[path]
        name = f"{os.path.basename(donor)} on {os.path.basename(path)} ({layout})"
        if (record["status"], record["reason"]) != ("Invalid", "bad-digest"):
            complaints.append(f"{name}: {record['status']}/{record['reason']}")
        named = clusters.get(path, {}).get("donor")
        same = named and records[named]["keys"]["pkcs7_sha256"] == records[donor]["keys"]["pkcs7_sha256"]
        if not same or records[named]["signatures"][0]["signed_digest"] != records[named]["signatures"][0]["computed_digest"]:
            complaints.append(f"{name}: the donor is said to be {named}")
    for path in made:
        os.remove(path)
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--sigscan", metavar="PROGRAM", help="default: this repository's release build")
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sigscan = find_sigscan(options.sigscan)

    present = [row for row in rows("expected.tsv") if os.path.isfile(os.path.join(options.corpus, row["path"]))]
    files = [os.path.join(options.corpus, row["path"]) for row in present if row["kind"] == "pe"]
    records, findings = lines(sigscan, files)
    signed = [path for path in files if records[path]["keys"]["pkcs7_sha256"]]
    unsigned = [path for path in files if records[path]["reason"] == "no-signature"]
    chance = random.Random(options.seed)
    pairs = draw(chance, signed, unsigned, records, options.pairs)
    complaints = []
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(pairs), BATCH):
            complaints += check_batch(sigscan, pairs[start:start + BATCH], folder)
    bad_pairs = len({complaint.split(":")[0] for complaint in complaints})

    counts = {}
    exceptions = {row["member"]: row for row in rows("hunt_exceptions.tsv")}
    for finding in findings:
        severity = f"{finding['code']} {finding['severity']}"
        counts[severity] = counts.get(severity, 0) + 1
        first = os.path.relpath(finding["members"][0], options.corpus)
        if finding["severity"] in ("high", "critical") and exceptions.pop(first, {}).get("code") != finding["code"]:
            complaints.append(f"honest files: {severity}: {first} and {len(finding['members']) - 1} more")
    complaints += [f"hunt_exceptions.tsv: {member} did not occur" for member in exceptions]
    for complaint in complaints:
        print(f"FAILED: {complaint}")
    print(f"{len(signed)} signed and {len(unsigned)} unsigned files; findings between honest ones: "
          + (", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"))
    print(f"hunt: {len(pairs) - bad_pairs} passed, {len(complaints)} failed")
    return 1 if complaints or not pairs else 0


if __name__ == "__main__":
    sys.exit(main())
