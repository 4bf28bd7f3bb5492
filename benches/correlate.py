#!/usr/bin/env python3
"""Measure `sigscan correlate` on generated records: is its time linear, and what does it cost in memory?

    correlate.py [--records 1000000] [--sigscan PROGRAM]

Makes lines of keys as `sigscan correlate` writes them (one in a hundred is a graft of its neighbour's signature, names
and certificates repeat as they do in real collections), and correlates the first quarter, the first half and all of
them. Prints seconds (and of the processor), records a second, peak memory, bytes of memory for each record, and, as the limit, the time that
`sort` needs for the same lines.
"""
import argparse
import hashlib
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "corpus"))
from measure import measured  # noqa: E402
from records import find_sigscan  # noqa: E402


def key(kind, number):
    return hashlib.sha256(f"{kind}{number}".encode()).hexdigest()


def line(number):
    """One file; every hundredth carries the signature of the one before."""
    graft = number % 100 == 99
    of = number - 1 if graft else number
    publisher = of % 500
    signed, content = key("content", of), key("content", number)
    status, reason = ("Invalid", "bad-digest") if graft else ("Valid", "ok")
    return (
        f'{{"schema":"sigscan.keys/1","path":"/mnt/image/Program Files/Vendor {publisher}/component-{number:08}.dll",'
        f'"status":"{status}","reason":"{reason}","self_signed":false,"signer":"Publisher {publisher}",'
        f'"sha256":"{key("file", number)}","authentihash":{{"sha256":"{content}"}},"keys":{{"signed_digest":"{signed}",'
        f'"pkcs7_sha256":"{key("pkcs7", of)}","signer_info_sha256":"{key("signer", of)}",'
        f'"timestamp_token_sha256":"{key("token", of)}","leaf_tbs_sha256":"{key("tbs", publisher)}",'
        f'"leaf_spki_sha256":"{key("spki", publisher)}","issuer_serial_key":"{key("number", publisher)}",'
        f'"subject_key":"{key("subject", publisher)}","version_res_sha256":null}}}}\n'
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--sigscan", metavar="PROGRAM", help="default: this repository's release build")
    options = parser.parse_args()
    sigscan = find_sigscan(options.sigscan)
    with tempfile.TemporaryDirectory() as folder:
        print("| records | seconds | CPU seconds | records/s | peak MiB | bytes/record | `sort` seconds |")
        print("|---:|---:|---:|---:|---:|---:|---:|")
        for count in (options.records // 4, options.records // 2, options.records):
            path, out = os.path.join(folder, "lines"), os.path.join(folder, "out")
            with open(path, "w", encoding="ascii") as handle:
                handle.writelines(line(number) for number in range(count))
            cost = measured([sigscan, "correlate", path], out, 1200)
            with open(out, "rb") as handle:
                findings = sum(1 for text in handle if b"sigscan.finding/1" in text[:40])
            if cost["code"] != 0 or findings != count // 100:
                raise SystemExit(f"exit {cost['code']}, {findings} findings instead of {count // 100}")
            limit = measured([shutil.which("sort"), path], out, 1200)
            seconds, peak = cost["wall"], cost["peak_mib"]
            each = peak * (1 << 20) / count
            print(f"| {count} | {seconds:.2f} | {cost['cpu']:.2f} | {count / seconds:.0f} | {peak:.0f} | {each:.0f} | {limit['wall']:.2f} |")


if __name__ == "__main__":
    main()
