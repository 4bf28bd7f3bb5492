#!/usr/bin/env python3
"""Flips every bit of some fixtures' signatures, and holds what sigscan still calls Valid against what OpenSSL decodes.

Usage: check_flips.py [--sigscan PROGRAM] [--write]      (default: target/release/sigscan)

A decoder that knows the whole type refuses what stands in no field of it. Where OpenSSL refuses a PKCS#7 and sigscan calls the file
Valid, flips.tsv names the octet and says why; a row that no flip needs any more fails as well. `--write` lists the octets anew
and keeps what is said of those that stay.
"""

import argparse
import collections
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTDATA = ROOT / "testdata"
LIST = pathlib.Path(__file__).with_name("flips.tsv")
HEAD = "# fixture\toffset in the PKCS#7\toctet, and what it becomes\twhy it is Valid"
FIXTURES = ["pe32.exe", "token.exe", "ber-indefinite.exe", "expired-counter.exe", "ecdsa-p256.exe"]


def pkcs7(file):
    """(start, end) of the first table entry's content in a PE32."""
    pe = struct.unpack_from("<I", file, 0x3C)[0]
    table = struct.unpack_from("<I", file, pe + 24 + 96 + 32)[0]
    return table + 8, table + struct.unpack_from("<I", file, table)[0]


def still_valid(sigscan, name, file, folder):
    """(offset in the PKCS#7, bit) of each flip after which the file is Valid, and how many flips there were."""
    start, end = pkcs7(file)
    damaged = bytearray(file)
    for at in range(start, end):
        for bit in range(8):
            damaged[at] ^= 1 << bit
            (folder / f"{at - start}_{bit}").write_bytes(damaged)
            damaged[at] ^= 1 << bit
    command = [sigscan, folder, "--json", "--hashes", "none", "--no-findings", "--quiet", "--at", "2026-06-01"]
    for stem in ["root", "tsa-root"]:
        command += ["--trust-store", TESTDATA / f"pki/{stem}.pem"]
    said = subprocess.run(command, stdout=subprocess.PIPE).stdout
    statuses, valid = collections.Counter(), []
    for line in said.splitlines():
        record = json.loads(line)
        if "status" in record:
            statuses[record["status"]] += 1
            if record["status"] == "Valid":
                valid.append(tuple(map(int, pathlib.Path(record["path"]).name.split("_"))))
    flips = 8 * (end - start)
    if statuses.total() != flips:
        sys.exit(f"{name}: {statuses.total()} of {flips} files were judged")
    print(f"{name}: {flips} flips, {', '.join(f'{status} {count}' for status, count in sorted(statuses.items()))}")
    return sorted(valid)


def refused(sigscan, name):
    """{(name, offset, "05 to 01 25")} of the flips that OpenSSL refuses and sigscan calls Valid."""
    file = (TESTDATA / "fixtures" / name).read_bytes()
    start, end = pkcs7(file)
    found = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for at, bit in still_valid(sigscan, name, file, pathlib.Path(folder)):
            blob = bytearray(file[start:end])
            blob[at] ^= 1 << bit
            if subprocess.run(["openssl", "pkcs7", "-inform", "DER", "-noout"], input=blob, capture_output=True).returncode:
                found[at].append(blob[at])
    return {(name, str(at), f"{file[start + at]:02x} to " + " ".join(f"{octet:02x}" for octet in octets))
            for at, octets in found.items()}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--sigscan", default=ROOT / "target/release/sigscan")
    arguments.add_argument("--write", action="store_true")
    arguments = arguments.parse_args()
    rows = [line.split("\t") for line in LIST.read_text().splitlines()[1:]] if LIST.exists() else []
    known = {tuple(row[:3]): row[3] for row in rows}
    found = set().union(*(refused(arguments.sigscan, name) for name in FIXTURES))
    if arguments.write:
        order = sorted(found, key=lambda row: (FIXTURES.index(row[0]), int(row[1])))
        LIST.write_text("\n".join([HEAD, *("\t".join([*row, known.get(row, "")]) for row in order)]) + "\n")
        return 0
    for row in sorted(found - known.keys()):
        print(f"{' '.join(row)}: Valid, and OpenSSL cannot decode it")
    for row in sorted(known.keys() - found):
        print(f"{' '.join(row)}: listed, and no longer so")
    unsaid = [row for row, why in known.items() if not why]
    for row in unsaid:
        print(f"{' '.join(row)}: nothing is said of it")
    print(f"flips: {len(found & known.keys())} octets where OpenSSL is stricter are explained, {len(found ^ known.keys())} are not as listed")
    return 1 if found ^ known.keys() or unsaid else 0


if __name__ == "__main__":
    sys.exit(main())
