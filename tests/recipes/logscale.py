#!/usr/bin/env python3
"""Runs docs/recipes/logscale.md as far as LogScale is not needed.

    logscale.py [SIGSCAN] [--write]   --write makes the parser's test cases anew

Exit status: 0 passed, else 1.
"""
import datetime
import json
import re
import sys

WRITE = "--write" in sys.argv
sys.argv = [word for word in sys.argv if word != "--write"]
from common import FIXTURES, JUDGING, RECIPES, ROOT, package, run, strict_csv, strict_json, strict_lines  # noqa: E402

CASES = RECIPES / "logscale/test-cases.json"


def flat(value, name=""):
    """Fields as parseJson() names them: a dot between levels, a number in brackets in lists, no field for null."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from flat(member, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from flat(item, f"{name}[{number}]")
    elif value is not None:
        yield name, value if isinstance(value, str) else json.dumps(value)


def milliseconds(text):
    if re.fullmatch(r"\d{13}", text):
        return text
    seconds, fraction = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z", text).groups()
    moment = datetime.datetime.strptime(seconds, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return str(int(moment.timestamp()) * 1000 + int((fraction or "0")[:3].ljust(3, "0")))


def cases():
    """A line of each kind, and what the parser makes of it: the first of the fields in the script's order is the time."""
    loads = (ROOT / "testdata/siem/loads.nxlog.jsonl").read_bytes()
    # Relative paths, so that the lines are the same on every machine.
    fixtures, roots = ROOT / "testdata", ["--trust-store", "pki/root.pem", "--trust-store", "pki/tsa-root.pem"]
    judging = ["--at", "2026-06-01T00:00:00Z", *roots]
    enriched = run("enrich", "--compact", "--path-map", "C:\\=fixtures", *judging, stdin=loads, cwd=fixtures)
    detected = run("events", "-q", "events/test1.xml", "events/falcon.jsonl", cwd=fixtures)
    scanned = run("fixtures/unsigned-pe64.exe", "--json", *judging, cwd=fixtures)
    lines = [enriched.splitlines()[1], detected.splitlines()[3], detected.splitlines()[-1], scanned.splitlines()[0]]
    shown = ["EventID", "ImageLoaded", "schema", "detection_type", "severity", "suspicious_parent", "path", "status",
             "sigscan.status", "sigscan.reason", "sigscan.claimed_signer.subject", "sigscan.finding_codes[0]", "store"]
    found = []
    for line in lines:
        fields = dict(flat(strict_json(line)))
        time = next(fields[name] for name in ("event.time", "EventTime", "judged_at") if name in fields)
        wanted = [("@timestamp", milliseconds(time))] + [(name, fields[name]) for name in shown if name in fields]
        assertions = {"fieldsHaveValues": [{"fieldName": name, "expectedValue": value} for name, value in wanted]}
        found.append({"event": {"rawString": line.decode()}, "outputAssertions": [{"outputEventIndex": 0, "assertions": assertions}]})
    return found


def ingest():
    """Bodies of the structured ingest API: groups of text tags and events with a time and attributes."""
    groups = strict_lines(run(FIXTURES, "--format", "logscale", "--quiet", "--host", "WS01", *JUDGING))
    for group in groups:
        assert set(group) == {"tags", "events"} and all(isinstance(tag, str) for tag in group["tags"].values()), group
        assert group["tags"]["type"] == "sigscan" and group["tags"]["kind"] in ("file", "finding"), group["tags"]
        for event in group["events"]:
            assert set(event) == {"timestamp", "attributes"} and milliseconds(event["timestamp"]), event
            names = [name for name, _ in flat(event["attributes"])]
            assert len(names) == len(set(names)), "two attributes with one name"
    return len(groups)


def grammar(queries):
    if not package("tree_sitter", "tree-sitter==0.26.1"):
        return
    if not package("logscale_query_language", "logscale-tools==0.1.8", "--no-deps", "--ignore-requires-python"):
        return
    from logscale_query_language import parser

    try:
        assert parser.parse("parseJson() | case { x=* | in(field=").root_node.has_error
    except OSError as error:
        print(f"note: the grammar cannot be compiled: {error}")
        return
    for name, query in queries:
        assert not parser.parse(query).root_node.has_error, f"{name} is no query"
    print(f"{len(queries)} scripts and queries read by the grammar")


def main():
    script = (RECIPES / "logscale/parser.cql").read_text()
    order = re.findall(r"^    (event\.time|EventTime|judged_at)=", script, re.M)
    assert order == ["event.time", "event.time", "EventTime", "judged_at"], order
    made = cases()
    if WRITE:
        CASES.write_text(json.dumps(made, indent=2) + "\n")
    kept = json.loads(CASES.read_text())
    asserted = [[case["outputAssertions"] for case in cases] for cases in (made, kept)]
    assert asserted[0] == asserted[1], f"{CASES} is stale: logscale.py --write"
    for case in kept:
        fields = dict(flat(strict_json(case["event"]["rawString"])))
        for it in case["outputAssertions"][0]["assertions"]["fieldsHaveValues"]:
            assert it["fieldName"] == "@timestamp" or fields[it["fieldName"]] == it["expectedValue"], it
    page = (RECIPES / "logscale.md").read_text()
    queries = [("parser.cql", script)] + [("logscale.md", text) for text in re.findall(r"```cql\n(.*?)```", page, re.S)]
    rows = strict_csv(run(FIXTURES, "--format", "lookup", "--lookup-key", "sha256", "--quiet", *JUDGING))
    included = re.search(r"include=\[(.*?)\]", page)[1].split(", ")
    assert {"sha256", *included} <= set(rows[0]), included
    print(f"{ingest()} groups, {len(made)} test cases, {len(rows)} rows")
    grammar(queries)
    return 0


raise SystemExit(main())
