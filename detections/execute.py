#!/usr/bin/env python3
"""Runs the queries for QRadar and Sentinel over what sigscan writes, with engines that other people made: SQLite for AQL,
whose functions and time frame it is given, and streaming-kql for Kusto, an event at a time (so without the order at the end).

    execute.py [SIGSCAN]      default: target/release/sigscan

Each query has to find what tests/detections/expected.tsv says. Exit status: 0 it does, else 1.
"""
import csv
import datetime
import json
import pathlib
import re
import shutil
import sqlite3
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/recipes"))
from common import FIXTURES, JUDGING, package, run, strict_lines  # noqa: E402

HERE = ROOT / "detections"
EXPECTED = ROOT / "tests/detections/expected.tsv"


def expectations():
    """The files and the folders that are scanned, and what each query finds."""
    rows = [line.split("\t") for line in EXPECTED.read_text().splitlines() if not line.startswith("#")]
    found = {name: set(words.split()) for name, words in rows}
    return found.pop("files"), found.pop("scenarios"), found


class Outputs:
    """The same files and lists as in tests/detections/outputs.rs."""

    def __init__(self, folder, files, scenarios):
        (folder / "known").mkdir()
        (folder / "files").mkdir()
        for name in files:
            shutil.copy(FIXTURES / name, folder / "files")
        for name in scenarios:
            shutil.copytree(ROOT / "testdata/scenarios" / name, folder / "files" / name)
        shutil.copy(FIXTURES / "pe32.exe", folder / "known/tool.exe")
        shutil.copy(FIXTURES / "unsigned-pe64.exe", folder / "files/tool.exe")
        run("baseline", "build", folder / "known", "--output", folder / "baseline", *JUDGING)
        (folder / "listed.csv").write_text("type,value,name,reason\nthumbprint,83e02d59365d68080e52f1c902f3b9806c93b959,stolen,test\n")
        self.folder = folder

    def scan(self, form):
        lists = ["--baseline", self.folder / "baseline", "--blocklist", f"csv:{self.folder}/listed.csv"]
        return run(self.folder / "files", "--format", form, "--host", "PC-1", "--quiet", *lists, *JUDGING)

    def enriched(self, *options):
        loads = (ROOT / "testdata/siem/loads.nxlog.jsonl").read_bytes()
        return strict_lines(run("enrich", "--compact", *options, "--path-map", f"C:\\={FIXTURES}", *JUDGING, stdin=loads))

    def detections(self):
        files = ["loads.event.jsonl", "test1.xml", "test2.winlogbeat.jsonl", "test3.xml"]
        return strict_lines(run("events", "--quiet", *files, cwd=ROOT / "testdata/events"))


def told(topic, rows):
    """The values that expected.tsv has, of whatever a query calls them."""
    names = {"invalid-signature": ("filepath", "FilePath"), "image-load": ("ImageLoaded",), "image-load-merged": ("ImageLoaded",),
             "event-detection": ("DetectionType", "detection_type"), "signing-without-time": ("DetectionType", "detection_type")}
    wanted = names.get(topic, ("FindingCode",))
    values = [next(row[name] for name in wanted if name in row) for row in rows]
    return {re.split(r"[/\\]", value)[-1].removeprefix("SIG-") for value in values}


def aql(outputs, expected):
    table = list(csv.DictReader((ROOT / "docs/recipes/qradar/properties.tsv").open(), delimiter="\t"))
    events = []
    for line in outputs.scan("leef").decode().splitlines():
        keys = dict(pair.split("=", 1) for pair in line.split("|", 6)[6].split("\t"))
        events.append({row["property"]: keys.get(row["expression"]) for row in table if row["input"] == "leef"})
    merged = outputs.enriched("--merge", "sysmon")
    for name, lines in [("enrich", outputs.enriched()), ("merged", merged), ("events", outputs.detections())]:
        for line in lines:
            event = {}
            for row in (row for row in table if name in row["input"].split()):
                value = line
                for key in re.findall(r'/"([^"]+)"', row["expression"]):
                    value = value.get(key) if isinstance(value, dict) else None
                value = value if value is None or isinstance(value, str) else json.dumps(value)
                # Of several expressions of one property the first that finds something counts.
                if event.get(row["property"]) is None:
                    event[row["property"]] = value
            events.append(event)
    columns = sorted({name for event in events for name in event})
    base = sqlite3.connect(":memory:")
    base.create_function("DATEFORMAT", 2, lambda time, form: str(time))
    base.create_function("LOGSOURCETYPENAME", 1, lambda kind: {7: "sigscan"}[kind])
    base.execute("CREATE TABLE events (devicetime, devicetype, %s)" % ", ".join(f'"{name}"' for name in columns))
    for number, event in enumerate(events):
        row = [number, 7, *(event.get(name) for name in columns)]
        base.execute(f"INSERT INTO events VALUES ({', '.join('?' * len(row))})", row)
    wrong = 0
    for file in sorted((HERE / "qradar").glob("*.aql")):
        query, frames = re.subn(r"\nLAST 24 HOURS\n$", "\n", file.read_text())
        assert frames == 1, file
        cursor = base.execute(query)
        names = [column[0] for column in cursor.description]
        found = told(file.stem, [dict(zip(names, row)) for row in cursor])
        wrong += found != expected[file.stem]
        if found != expected[file.stem]:
            print(f"{file}: {sorted(found)}")
    print(f"AQL in SQLite: {len(expected)} queries over {len(events)} events")
    return wrong


def common_security_log(line):
    header = re.split(r"(?<!\\)\|", line, maxsplit=7)
    event = dict(zip(["DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Activity", "LogSeverity"], header[1:7]))
    names = {"dvchost": "DeviceName", "filePath": "FilePath", "fileHash": "FileHash", "reason": "Reason", "flexString1": "FlexString1"}
    for key, value in re.findall(r"(\w+)=((?:\\.|[^\\=])*)(?= \w+=|$)", header[7]):
        column = names.get(key) or (re.sub("^cs", "DeviceCustomString", key) if key.startswith("cs") else key)
        event[column] = re.sub(r"\\(.)", r"\1", value)
    return event


def kusto(outputs, expected):
    engine = package("streaming_kql", "streaming-kql==0.0.2")
    if not engine:
        return 0
    tables = {
        "CommonSecurityLog": [common_security_log(line) for line in outputs.scan("cef").decode().splitlines()],
        "SigscanFileCertificateInfo_CL": json.loads(outputs.scan("mde")),
        "SigscanImageLoad_CL": outputs.enriched(),
        "SigscanDetection_CL": outputs.detections(),
    }
    merged = outputs.enriched("--merge", "sysmon")
    now = datetime.datetime.now(datetime.timezone.utc)
    wrong = 0
    files = sorted((HERE / "sentinel").glob("*.kql"))
    for file in files:
        query = file.read_text().split("\n\n", 1)[1]
        table, query = query.split("\n", 1)
        query, orders = re.subn(r"\n\| order by TimeGenerated desc\n$", "\n", query)
        assert orders == 1, file
        topic = file.stem.removesuffix("-certificates")
        events = merged if topic == "image-load-merged" else tables[table]
        rows = [{**event, "TimeGenerated": now} for event in events]
        found = told(topic, list(engine.compile("source\n" + query).stream(rows)))
        wrong += found != expected[topic]
        if found != expected[topic]:
            print(f"{file}: {sorted(found)}")
    print(f"Kusto in streaming-kql: {len(files)} queries over {sum(map(len, tables.values()))} events")
    return wrong


def main():
    files, scenarios, expected = expectations()
    with tempfile.TemporaryDirectory() as folder:
        outputs = Outputs(pathlib.Path(folder), files, scenarios)
        return 1 if aql(outputs, expected) + kusto(outputs, expected) else 0


sys.exit(main())
