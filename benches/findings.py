#!/usr/bin/env python3
"""What do findings cost a scan?

    findings.py FOLDER [--rounds 7] [--sigscan PROGRAM]

Scans FOLDER in turn with and without findings, one worker, and prints processor seconds: the median of each, and the median
of the ratios of rounds that stand side by side. `--no-findings` against itself stands beside them as the noise.
"""
import argparse
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "corpus"))
from measure import measured  # noqa: E402
from records import find_sigscan  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sigscan")
    arguments = parser.parse_args()
    scan = [find_sigscan(arguments.sigscan), arguments.folder, "--json", "--jobs", "1", "--quiet", "--at", "2026-06-01"]
    kinds = {"without": ["--no-findings"], "again": ["--no-findings"], "single": ["--no-correlate"], "all": []}
    seconds = {kind: [] for kind in kinds}
    for _ in range(arguments.rounds + 1):
        for kind, options in kinds.items():
            seconds[kind].append(measured(scan + options, os.devnull)["cpu"])
    for times in seconds.values():
        del times[0]  # warms the page cache
    print(f"{'findings':10} {'CPU s':>8} {'ratio':>7}")
    for kind, times in seconds.items():
        ratios = [time / base for time, base in zip(times, seconds["without"])]
        print(f"{kind:10} {statistics.median(times):8.3f} {statistics.median(ratios):7.3f}")


if __name__ == "__main__":
    main()
