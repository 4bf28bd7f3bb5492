"""What the checks share: reading the tables, running sigscan, reading its records."""
import csv
import hashlib
import json
import os

from measure import measured
from pe_digest import layout, plain

HERE = os.path.dirname(os.path.abspath(__file__))
MOMENT = "2026-12-01T00:00:00Z"  # the moment for which the tables hold


def rows(name):
    """The rows of a table beside this file: tab-separated, no quoting, one header line."""
    with open(os.path.join(HERE, name), newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))


def sha256(path):
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def find_sigscan(given):
    """The program to check: the one given, else the release build of this repository."""
    program = given or os.path.join(HERE, "..", "..", "target", "release", "sigscan")
    if not os.path.exists(program):
        raise SystemExit(f"no program at {program}: cargo build --release, or --sigscan PROGRAM")
    return os.path.abspath(program)


def scan(sigscan, arguments, output, timeout):
    """Run sigscan into the file `output`: (cost, complaints about the run itself)."""
    with open(output + ".stderr", "w+b") as errors:
        cost = measured([sigscan, *arguments], output, timeout, errors)
        errors.seek(0)
        said = errors.read().decode(errors="replace")
    complaints = []
    if cost["code"] != 0:
        complaints.append(f"sigscan exited with {cost['code']}: {said.strip()[-400:]}")
    if "panicked at" in said:
        complaints.append(f"sigscan panicked: {said[said.index('panicked at'):][:400]}")
    return cost, complaints


def records(output, root):
    """({path below root: record}, complaints): the file records of a run, findings left out."""
    found, complaints = {}, []
    with open(output, "rb") as handle:
        for number, line in enumerate(handle, 1):
            try:
                record = json.loads(line)
                if record["schema"] != "sigscan.record/1":
                    continue
                name = record["path"]
                if "path_hex" in record:
                    name = os.fsdecode(bytes.fromhex(record["path_hex"]))
                path = os.path.relpath(name, root)
            except (ValueError, KeyError, TypeError) as error:
                complaints.append(f"line {number} is not a record: {error!r}")
                continue
            if path in found:
                complaints.append(f"{path}: two records")
            found[path] = record
    return found, complaints


def verdict(record):
    return f"{record.get('status')}/{record.get('reason')}"


def recomputed_row(path, record):
    """A row as of authentihash.tsv for a file that is not in it, for the algorithms that the record has."""
    with open(path, "rb") as handle:
        data = handle.read()
    gaps, table = layout(data)
    names = [name for name in ("md5", "sha1", "sha256", "sha384", "sha512") if name in record.get("authentihash", {})]
    row = dict.fromkeys(("md5", "sha1", "sha256", "sha384", "sha512"), "")
    row.update((name, plain(data, gaps, name)) for name in names or ["sha256"])
    return {**row, "sha256_of_file": hashlib.sha256(data).hexdigest(), "table": table,
            "algorithms": "" if table == "none" else ",".join(names or ["sha256"]),
            "sha256_padded8": plain(data, gaps, "sha256", 8)}


def wrong_hashes(record, row):
    """What is wrong with the digests of a PE's record, given its row of authentihash.tsv."""
    got = record.get("authentihash") or {}
    if row["algorithms"]:
        expected = {name: row[name] for name in row["algorithms"].split(",")}
        optional = {name: row[name] for name in ("md5", "sha1", "sha256", "sha384", "sha512") if row[name]}
    elif row["table"] == "none":
        expected, optional = {"sha256": row["sha256_padded8"]}, {}
    else:  # a certificate table without a readable signature: which form is reported is nobody's contract
        expected, optional = {}, {}
    wrong = [f"authentihash {name} is {got.get(name)}, not {value}"
             for name, value in expected.items() if got.get(name) != value]
    wrong += [f"authentihash {name} is {got[name]}, not {value}"
              for name, value in optional.items() if name in got and name not in expected and got[name] != value]
    if (record.get("hashes") or {}).get("sha256") != row["sha256_of_file"]:
        wrong.append("hashes.sha256 is not the file's")
    return wrong
