#!/usr/bin/env python3
"""Runs docs/recipes/vector.md as far as Vector is not needed.

Exit status: 0 passed, else 1.
"""
import hashlib
import json
import re

from common import FIXTURES, JUDGING, RECIPES, ROOT, package, run, strict_csv

CALL = 'get_enrichment_table_record("signatures", { "sha256": sha256 })'


def main():
    rows = strict_csv(run(FIXTURES, "--format", "lookup", "--lookup-key", "sha256", "--quiet", *JUDGING))
    table = {row["sha256"]: row for row in rows}
    assert len(table) == len(rows) > 100
    print(f"table: {len(rows)} rows, each key once")
    text = (RECIPES / "vector/vector.yaml").read_text()
    yaml = package("yaml", "pyyaml==6.0.3")
    if not yaml:
        return 0
    conf = yaml.safe_load(text)
    assert set(conf) == {"enrichment_tables", "sources", "transforms", "sinks"}, list(conf)
    file = conf["enrichment_tables"]["signatures"]
    assert (file["type"], file["file"]["encoding"]) == \
        ("file", {"type": "csv", "include_headers": True, "delimiter": ","}), file
    program = conf["transforms"]["signed"]["source"]
    assert program.count(CALL) == 1
    assert set(re.findall(r"row\.(\w+)", program)) <= set(rows[0]), "a column that the table does not have"
    runtime = package("vrl_python", "vrl-python==0.1.0")
    if not runtime:
        return 0
    # The runtime has no tables: an event brings the row along that the table has for it.
    program = program.replace(CALL, "object(.row)") + "\ndel(.row)\n"
    broken = runtime.VRLRuntime.check_syntax(program.replace("parse_key_value(", "parse_key_values("))
    assert broken is not None and runtime.VRLRuntime.check_syntax(program) is None, "the program does not compile"
    machine, counts = runtime.VRLRuntime(), {}
    for line in (ROOT / "testdata/siem/loads.nxlog.jsonl").read_text().splitlines():
        event = json.loads(line)
        file = FIXTURES / event["ImageLoaded"].removeprefix("C:\\")
        digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "0" * 64
        event["Hashes"] = f"SHA1={'0' * 40},SHA256={digest.upper()}"
        row = table.get(digest)
        found = machine.execute(program, {**event, "row": row} if row else event).processed_event
        verdict = found.pop("sigscan", None)
        assert found == event, found
        assert (verdict is None) == (row is None), found
        if row:
            assert (verdict["status"], verdict["signer"]) == (row["SignatureStatus"], row["Signer"]), verdict
            assert verdict["signer_verified"] is (row["SignerVerified"] == "true")
            assert verdict["findings"] == row["findings"].split(), verdict
        status = verdict["status"] if verdict else "no row"
        counts[status] = counts.get(status, 0) + 1
    for hashes in ({}, {"Hashes": "SHA1=00"}, {"Hashes": "no digests"}, {"Hashes": 7}):
        try:
            assert machine.execute(program, dict(hashes)).processed_event == hashes
        except runtime.VRLRuntimeError as error:
            raise AssertionError(f"{hashes}: {error}") from error
    assert counts["Valid"] and counts["Invalid"] and counts["no row"], counts
    print(f"transform: {counts}")
    return 0


raise SystemExit(main())
