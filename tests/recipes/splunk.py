#!/usr/bin/env python3
"""Runs docs/recipes/splunk.md as far as Splunk is not needed.

Exit status: 0 passed, else 1.
"""
import csv
import datetime
import io
import pathlib
import re
import subprocess
import tempfile

from common import FIXTURES, JUDGING, RECIPES, ROOT, SIGSCAN, package, run, strict_csv, strict_lines

FILES = {"pe32.exe": "Valid", "THIEF.EXE": "Invalid", "unsigned-pe64.exe": "Unsigned", "expired.exe": "Expired"}


def settings(path):
    """Stanzas of a .conf file, read strictly: a stanza, a comment or a setting in each line, no setting twice."""
    found, stanza = {}, None
    for line in path.read_text().splitlines():
        if line.startswith("[") and line.endswith("]"):
            stanza = found.setdefault(line[1:-1], {})
        elif line and not line.startswith("#"):
            name, value = re.fullmatch(r"(\w+) = (.+)", line).groups()
            assert name not in stanza, line
            stanza[name] = value
    return found


def lookup(folder, conf):
    """Rows as Splunk passes them: the columns of fields_list, values in the first three."""
    columns = conf["sigscan"]["fields_list"].split(", ")
    gone = run(FIXTURES / "untrusted-root.exe", "--json", "--host", "WS02", *JUDGING)  # a file of another machine, scanned there
    digest = strict_lines(gone)[0]["hashes"]["sha256"]
    (folder / "records.jsonl").write_bytes(gone)
    script = (RECIPES / "splunk" / conf["sigscan"]["external_cmd"]).read_text()
    for old, new in [
        ("/usr/local/bin/sigscan enrich", " ".join([str(SIGSCAN), "enrich", *JUDGING])),
        ("/mnt/c", str(FIXTURES)),
        ("/var/lib/sigscan/records.jsonl", str(folder / "records.jsonl")),
    ]:
        assert old in script, old
        script = script.replace(old, new)
    program = folder / "sigscan-lookup"
    program.write_text(script)
    program.chmod(0o755)
    asked = [(f"C:\\{name}", "") for name in FILES] + [("C:\\elsewhere\\tool.exe", digest.upper()), ("C:\\gone.exe", "")]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([*row, "WS01", *[""] * (len(columns) - 3)] for row in asked)
    done = subprocess.run([program], input=text.getvalue().encode(), capture_output=True, check=True)
    assert done.stderr == b"", done.stderr
    rows = strict_csv(done.stdout)
    assert list(rows[0]) == columns, list(rows[0])
    assert [(row["path"]) for row in rows] == [path for path, _ in asked]
    statuses = [row["SignatureStatus"] for row in rows]
    assert statuses == [*FILES.values(), "Untrusted", "Error"], statuses
    for row in rows:
        record = {"C:\\elsewhere\\tool.exe": "untrusted-root.exe"}.get(row["path"], row["path"][3:].lower())
        if row["SignatureStatus"] == "Error":
            assert row["reason"] == "not-found" and not row["Signer"], row
            continue
        (told, *_) = strict_lines(run(FIXTURES / record, "--json", "--no-correlate", *JUDGING))
        signer = told.get("signer") or told.get("claimed_signer") or {}
        wanted = {"sha256": told["hashes"]["sha256"], "reason": told["reason"], "Signer": signer.get("common_name", ""),
                  "thumbprint_sha1": signer.get("thumbprint_sha1", ""), "serial": signer.get("serial", ""),
                  "findings": " ".join(dict.fromkeys(it["code"] for it in told["findings"]))}
        assert {name: row[name].lower() if name == "sha256" else row[name] for name in wanted} == wanted, (row, wanted)
    empty = [name for name in columns if not any(row[name] for row in rows)]
    assert set(empty) <= {"signing_time"}, empty
    return len(rows)


def table():
    rows = strict_csv(run(FIXTURES, "--format", "lookup", "--lookup-key", "sha256", "--quiet", *JUDGING))
    keys = [row["sha256"] for row in rows]
    assert len(set(keys)) == len(keys) > 100
    asked = {"SignatureStatus", "Signer", "SignerVerified", "reason", "findings"}
    assert asked <= set(rows[0]), rows[0]
    return len(rows)


def times(conf):
    """TIME_PREFIX and TIME_FORMAT of each source type over the lines that it is for."""
    loads = (ROOT / "testdata/siem/loads.nxlog.jsonl").read_bytes()
    lines = {
        "sigscan:enriched": run("enrich", "--path-map", f"C:\\={FIXTURES}", *JUDGING, stdin=loads),
        "sigscan:detection": run("events", "-q", "test1.xml", "test2.winlogbeat.jsonl", cwd=ROOT / "testdata/events"),
    }
    for kind, output in lines.items():
        prefix, form = re.compile(conf[kind]["TIME_PREFIX"]), conf[kind]["TIME_FORMAT"]
        digits = int(re.search(r"%(\d)N", form)[1])
        for line in output.decode().splitlines():
            start = prefix.search(line).end()
            found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d+)Z", line[start:])
            datetime.datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%S")
            assert len(found[2]) == digits, (kind, found[0])


def main():
    conf = {name: settings(RECIPES / f"splunk/{name}.conf") for name in ("transforms", "props")}
    with tempfile.TemporaryDirectory() as name:
        judged = lookup(pathlib.Path(name), conf["transforms"])
    print(f"lookup: {judged} rows; table: {table()} rows")
    times(conf["props"])
    library = package("addonfactory_splunk_conf_parser_lib", "addonfactory-splunk-conf-parser-lib==1.0.0")
    if library:
        for name, wanted in conf.items():
            parser = library.TABConfigParser()
            with open(RECIPES / f"splunk/{name}.conf") as file:
                parser.read_file(file)
            for stanza, values in wanted.items():
                found = {key: value for key, value in parser.items(stanza) if key != "__name__" and not key.startswith("__")}
                assert {key.lower(): value for key, value in found.items()} == \
                    {key.lower(): value for key, value in values.items()}, found
            assert set(parser.sections()) >= set(wanted)
        print("transforms.conf and props.conf: read by Splunk's parser")
    return 0


raise SystemExit(main())
