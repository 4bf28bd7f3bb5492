#!/usr/bin/env python3
"""Run the commands that a document shows, so that it cannot promise what does not work.

    readme.py [--mark run|test] [--list] [DOCUMENT...]      (default: --mark run README.md)

A fenced block counts if the line before it (blank lines aside) is `<!-- ci:run -->` or `<!-- ci:test -->`.
Each block runs under `bash -e` from the repository's root, without standard input. In a block of a console
session only the lines after `$ ` are commands. A document without such a block, a mark without a block and a
block without an end are errors. Exit status: 0 when every command succeeded, else 1.
"""
import argparse
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MARK = re.compile(r"\s*<!--\s*ci:([a-z]+)\s*-->\s*")
FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*([A-Za-z0-9_+-]*).*")


def blocks(text):
    """[(line number, mark, commands)] of the marked blocks of a document."""
    found, mark, fence = [], None, None
    lines, start = [], 0
    for number, line in enumerate(text.splitlines(), 1):
        opening = FENCE.fullmatch(line)
        if fence:
            if opening and opening[1].startswith(fence) and not opening[2]:
                if mark:
                    if any(entry.startswith("$ ") for entry in lines):
                        lines = [entry[2:] for entry in lines if entry.startswith(("$ ", "> "))]
                    found.append((start, mark, "\n".join(lines) + "\n"))
                fence = mark = None
            else:
                lines.append(line)
        elif opening:
            fence, lines, start = opening[1], [], number
        elif MARK.fullmatch(line):
            if mark:
                raise ValueError(f"line {number}: a second mark before a block")
            mark = MARK.fullmatch(line)[1]
            if mark not in ("run", "test"):
                raise ValueError(f"line {number}: the mark is ci:run or ci:test, not ci:{mark}")
        elif line.strip() and mark:
            raise ValueError(f"line {number}: a mark is followed by text, not by a block")
    if fence or mark:
        raise ValueError("the document ends inside a block or after a mark")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", nargs="*", default=[os.path.join(ROOT, "README.md")], metavar="DOCUMENT")
    parser.add_argument("--mark", choices=("run", "test"), default="run")
    parser.add_argument("--list", action="store_true", help="print the commands instead of running them")
    options = parser.parse_args()
    passed = failed = 0
    for document in options.documents:
        name = os.path.relpath(document, ROOT)
        try:
            with open(document, encoding="utf-8") as handle:
                chosen = [block for block in blocks(handle.read()) if block[1] == options.mark]
            if not chosen:
                raise ValueError(f"no block is marked <!-- ci:{options.mark} -->")
        except (OSError, ValueError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed += 1
            continue
        for line, _, commands in chosen:
            print(f"--- {name}:{line}\n{commands}", end="", flush=True)
            if options.list:
                continue
            code = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", commands], cwd=ROOT,
                                  stdin=subprocess.DEVNULL).returncode
            passed += code == 0
            failed += code != 0
            if code:
                print(f"FAILED {name}:{line}: exit status {code}")
    if not options.list:
        print(f"blocks: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
