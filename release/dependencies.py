#!/usr/bin/env python3
"""Holds docs/dependencies.md against the crates that are built into the release binary.

    python3 release/dependencies.py            # fails if a crate is missing, gone, of another version, or has no notes
    python3 release/dependencies.py --write    # makes the facts anew and keeps the notes; new crates get empty ones

Facts: version, lines of the build script, whether it is a procedural macro, lines of Rust that say `unsafe` (comments,
tests, benches and examples left out), and where it is kept. They come from `cargo tree`, `cargo metadata` and the sources
that cargo unpacked, for x86_64-unknown-linux-gnu, build dependencies included. Needs no network once they are unpacked.
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/dependencies.md"
TARGET = "x86_64-unknown-linux-gnu"
HEAD = "| crate | version | build script | macro | `unsafe` | kept at | used for | hostile data | looked at |"
RULE = "|---|---|---:|---|---:|---|---|---|---|"
APART = {"tests", "benches", "examples", "fuzz"}


def cargo(*words):
    return subprocess.run(["cargo", *words, "--locked"], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def unsafe_lines(folder):
    count = 0
    for path in folder.rglob("*.rs"):
        if path.relative_to(folder).parts[0] in APART:
            continue
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            count += bool(re.search(r"\bunsafe\b", line.split("//")[0]))
    return count


def script_lines(folder, script):
    """Of the build script and, where it has a folder of its own, of its modules."""
    path = pathlib.Path(script["src_path"])
    files = [path] if path.parent in (folder, folder / "src") else path.parent.rglob("*.rs")
    return sum(len(file.read_text(errors="replace").splitlines()) for file in files)


def facts():
    """(all crates, rows of those with a build script, a macro or unsafe code), each row by (name, version)."""
    listed = cargo("tree", "--edges", "normal,build", "--prefix", "none", "--target", TARGET, "--format", "{p}")
    wanted = {tuple(line.split()[:2]) for line in listed.splitlines() if line}
    meta = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", TARGET))
    rows = {}
    for package in meta["packages"]:
        name, version = package["name"], package["version"]
        if (name, "v" + version) not in wanted or package["source"] is None:
            continue
        folder = pathlib.Path(package["manifest_path"]).parent
        kinds = {kind: target for target in package["targets"] for kind in target["kind"]}
        script = kinds.get("custom-build")
        lines = script_lines(folder, script) if script else 0
        macro, unsafe = "proc-macro" in kinds, unsafe_lines(folder)
        if lines or macro or unsafe:
            place = re.sub(r"^https?://|(\.git)?/?$|/tree/.*", "", package["repository"] or "")
            rows[name, version] = [str(lines or ""), "yes" if macro else "", str(unsafe or ""), place]
    return len(wanted) - 1, rows


def page_rows(text):
    """The table's rows: (name, version) to [facts..., notes...]."""
    found = {}
    for line in text.split(RULE + "\n", 1)[1].splitlines():
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        found[cells[0], cells[1]] = cells[2:]
    return found


def main():
    text = PAGE.read_text(encoding="utf-8")
    count, rows = facts()
    known = page_rows(text)
    if sys.argv[1:] == ["--write"]:
        notes = {name: cells[4:] for (name, _), cells in known.items()}
        table = [HEAD, RULE]
        for (name, version), cells in sorted(rows.items()):
            kept = known[name, version][4:] if (name, version) in known else notes.get(name, ["", "", ""])
            table.append("| " + " | ".join([name, version, *cells, *kept]) + " |")
        before, rest = text.split(HEAD, 1)
        after = rest.split("\n\n", 1)[1] if "\n\n" in rest else ""
        before = re.sub(r"\d+ crates are built into it, \d+ of them",
                        f"{count} crates are built into it, {len(rows)} of them", before)
        PAGE.write_text(before + "\n".join(table) + "\n" + ("\n" + after if after else ""), encoding="utf-8")
        return 0
    problems = [f"{name} {version}: not in the table" for name, version in sorted(rows.keys() - known.keys())]
    problems += [f"{name} {version}: is no longer built in" for name, version in sorted(known.keys() - rows.keys())]
    for key in sorted(rows.keys() & known.keys()):
        if known[key][:4] != rows[key]:
            problems.append(f"{key[0]} {key[1]}: the facts are {rows[key]}, the table says {known[key][:4]}")
        if not all(known[key][4:7]) or len(known[key]) != 7:
            problems.append(f"{key[0]} {key[1]}: notes are missing")
    if f"{count} crates are built into it, {len(rows)} of them" not in text:
        problems.append(f"there are {count} crates, {len(rows)} of them with such code")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{count} crates, {len(rows)} with a build script, a macro or unsafe code: "
          + (f"{len(problems)} problems" if problems else "all in docs/dependencies.md"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
