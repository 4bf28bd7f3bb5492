#!/usr/bin/env python3
"""What each file of a folder costs: processor time and memory of one run of sigscan, the dearest first.

    SIGSCAN_KEEP=FOLDER cargo test --test hostile none_changes     # writes the hostile files into FOLDER/a and FOLDER/z
    benches/hostile.py target/release/sigscan FOLDER/a FOLDER/z

Prints rows of Markdown: file, its size, status and reason, seconds of processor time, MiB at the peak.
"""
import json
import os
import pathlib
import subprocess
import sys

TESTDATA = pathlib.Path(__file__).resolve().parent.parent / "testdata/pki"


def cost(program, path):
    command = [program, str(path), "--json", "--no-correlate", "--quiet", "--jobs", "1", "--at", "2026-06-01T00:00:00Z"]
    for stem in ("root", "tsa-root"):
        command += ["--trust-store", str(TESTDATA / f"{stem}.pem")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    record = json.loads(text.splitlines()[0])
    seconds = usage.ru_utime + usage.ru_stime
    return seconds, usage.ru_maxrss / 1024, f"{record['status']}/{record['reason']}"


def main():
    program, *folders = sys.argv[1:]
    rows = []
    for folder in folders:
        for path in sorted(pathlib.Path(folder).iterdir()):
            rows.append((*cost(program, path), path))
    print("| file | MB | verdict | s | MiB |\n|---|---:|---|---:|---:|")
    for seconds, memory, verdict, path in sorted(rows, key=lambda row: -row[0]):
        print(f"| {path.stem} | {path.stat().st_size / 1e6:.1f} | `{verdict}` | {seconds:.2f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
