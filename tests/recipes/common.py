"""What the recipes' checks share: the program, the test files and their roots, and packages that a check may do without."""
import csv
import importlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPES = ROOT / "docs/recipes"
FIXTURES = ROOT / "testdata/fixtures"
SIGSCAN = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "target/release/sigscan"
FETCHED = []  # folders with packages, which go when the run ends
JUDGING = ["--at", "2026-06-01T00:00:00Z"]
for root in ("root", "tsa-root"):
    JUDGING += ["--trust-store", str(ROOT / f"testdata/pki/{root}.pem")]


def run(*words, stdin=None, env=None, cwd=None):
    """Runs sigscan, which has to succeed, and gives its standard output as bytes."""
    command = [SIGSCAN, *words]
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True, env=env, cwd=cwd).stdout


def strict_json(line):
    """One JSON value with nothing that JSON does not have, and no name twice in one object."""
    def once(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), f"a name twice: {names}"
        return dict(pairs)

    def refused(constant):
        raise ValueError(constant)

    return json.loads(line, object_pairs_hook=once, parse_constant=refused)


def strict_lines(output):
    """The values of JSON Lines: each line ended, none empty."""
    text = output.decode("utf-8", "strict")
    assert text.endswith("\n") and "\r" not in text
    return [strict_json(line) for line in text[:-1].split("\n")]


def strict_csv(output):
    """Rows by column; every row as wide as the header, quotes as RFC 4180 has them."""
    rows = list(csv.reader(io.StringIO(output.decode("utf-8", "strict"), newline=""), strict=True))
    header = rows[0]
    assert len(set(header)) == len(header) and all(len(row) == len(header) for row in rows), "a row of another width"
    return [dict(zip(header, row)) for row in rows[1:]]


def package(name, requirement, *options):
    """Imports a package, which may be fetched for this run; None, with a note, where it cannot be had."""
    try:
        return __import__(name)
    except ImportError:
        pass
    FETCHED.append(tempfile.TemporaryDirectory())
    folder = FETCHED[-1].name
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder, *options,
               *requirement.split()]
    done = subprocess.run(command, capture_output=True, text=True)
    sys.path.append(folder)
    importlib.invalidate_caches()
    try:
        return __import__(name)
    except ImportError:
        reason = (done.stderr.strip().splitlines() or ["unknown"])[-1]
        print(f"note: {requirement} cannot be had: {reason}")
        return None
