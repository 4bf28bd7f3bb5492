#!/usr/bin/env python3
"""Measure what revocation lists cost a scan, in one run on this machine.

    revocation.py CORPUS [--runs 7] [--jobs 2] [--files 2000] [--megabytes 50] [--sigscan PROGRAM]

Scans CORPUS and one fixture, in turns without lists and with --files small CRLs of as many issuers (half of them PEM) and
one large CRL: first one that no certificate in CORPUS is about, then one by the fixture's own authority, signed with its
key, so that its signature has to be checked and its entries indexed. The fixture is scanned first: one worker checks and
indexes while the other goes on (scanned last, that work would stand alone at the end of the run). Prints the median wall times, their ratios and the
peak memory, and fails if the fixture is not judged as the lists say. Needs openssl; the lists take some seconds to make.
"""
import argparse
import base64
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "corpus"))
from measure import measured  # noqa: E402
from records import find_sigscan  # noqa: E402

MOMENT = "2026-06-01T00:00:00Z"  # the fixtures' own
SHA256_WITH_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")


def der(tag, *parts):
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def name(common_name):
    """The fixtures' kind of name: C=XX, O=Sigscan Fixtures, CN=..."""
    parts = [("06", "XX"), ("0a", "Sigscan Fixtures"), ("03", common_name)]
    relative = [der(0x31, der(0x30, der(0x06, bytes.fromhex("5504" + kind)), der(0x13, text.encode())))
                for kind, text in parts]
    return der(0x30, *relative)


def entries(source, octets):
    """Entries with serial numbers of 16 octets and a reason, until they have so many octets."""
    tail = bytes.fromhex("170d3235303330313132303030305a300c300a0603551d1504030a0101")
    whole = der(0x30, bytes.fromhex("0210") + bytes(16) + tail)
    head = whole[:4]
    return b"".join(head + bytes([0x40]) + source.randbytes(15) + tail for _ in range(octets // len(whole)))


def crl(issuer, listed, sign):
    dates = der(0x17, b"260501000000Z") + der(0x17, b"270501000000Z")
    tbs = der(0x30, der(0x02, b"\1"), SHA256_WITH_RSA, issuer, dates, der(0x30, listed))
    return der(0x30, tbs, SHA256_WITH_RSA, der(0x03, b"\0", sign(tbs)))


def signer(folder):
    """Signs with the key of the fixtures' issuing authority."""
    key = os.path.join(ROOT, "tests", "lab", "keys", "rsa2048-inter.der")

    def sign(tbs):
        path = os.path.join(folder, "tbs")
        with open(path, "wb") as handle:
            handle.write(tbs)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, "-keyform", "DER", path],
                              check=True, stdout=subprocess.PIPE)
        os.unlink(path)
        return done.stdout
    return sign


def small_lists(folder, count, source):
    os.mkdir(folder)
    for number in range(count):
        list_ = crl(name(f"Benchmark CA {number}"), entries(source, 4000), lambda tbs: source.randbytes(256))
        if number % 2:
            text = base64.encodebytes(list_).decode()
            list_ = f"-----BEGIN X509 CRL-----\n{text}-----END X509 CRL-----\n".encode()
        with open(os.path.join(folder, f"{number:05}.crl"), "wb") as handle:
            handle.write(list_)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--sigscan")
    arguments = parser.parse_args()
    sigscan = find_sigscan(arguments.sigscan)
    source = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        place = lambda leaf: os.path.join(folder, leaf)  # noqa: E731
        small_lists(place("small"), arguments.files, source)
        listed = entries(source, arguments.megabytes << 20)
        for leaf, issuer in [("needless.crl", "Benchmark CA"), ("needed.crl", "Fixture Issuing CA")]:
            with open(place(leaf), "wb") as handle:
                handle.write(crl(name(issuer), listed, signer(folder)))
        fixture = place("revocable.exe")
        shutil.copy(os.path.join(ROOT, "testdata", "fixtures", "revocable.exe"), fixture)
        base = [sigscan, "--json", "--jobs", str(arguments.jobs), "--at", MOMENT,
                "--add-root", os.path.join(ROOT, "testdata", "pki", "root.pem"), fixture, arguments.corpus]
        cases = {
            "no lists": [],
            "large list not needed": ["--crl", place("small"), "--crl", place("needless.crl")],
            "large list needed": ["--crl", place("small"), "--crl", place("needed.crl")],
        }
        expected = {"no lists": None, "large list not needed": "unknown", "large list needed": "good"}
        costs = {case: [] for case in cases}
        for _ in range(arguments.runs):
            for case, more in cases.items():
                cost = measured(base + more, place("out"))
                if cost["code"]:
                    raise SystemExit(f"{case}: sigscan exited with {cost['code']}")
                costs[case].append(cost)
                with open(place("out"), encoding="utf-8") as handle:
                    records = (json.loads(line) for line in handle)
                    record = next(one for one in records if one.get("path") == fixture)
                told = record["signatures"][0]["chain"][0].get("revocation", {}).get("status")
                if told != expected[case]:
                    raise SystemExit(f"{case}: the fixture's publisher is {told}, not {expected[case]}")
        median = {case: statistics.median(cost["wall"] for cost in list_) for case, list_ in costs.items()}
        print(f"{arguments.files} CRL files and one of {arguments.megabytes} MiB, medians of {arguments.runs} runs\n")
        print("| | seconds | ratio | CPU seconds | peak MiB |\n|---|---:|---:|---:|---:|")
        for case, list_ in costs.items():
            cpu = statistics.median(cost["cpu"] for cost in list_)
            peak = max(cost["peak_mib"] for cost in list_)
            print(f"| {case} | {median[case]:.3f} | {median[case] / median['no lists']:.2f} | {cpu:.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
