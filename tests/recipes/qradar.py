#!/usr/bin/env python3
"""Runs docs/recipes/qradar.md as far as QRadar is not needed: its API and its syslog port are stood in for by servers that
take what the documents describe and refuse anything else.

Exit status: 0 passed, else 1.
"""
import csv
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.parse

from common import FIXTURES, JUDGING, RECIPES, SIGSCAN, run, strict_json

SCRIPT = RECIPES / "qradar/properties.py"
TABLE = list(csv.DictReader((RECIPES / "qradar/properties.tsv").read_text().splitlines(), delimiter="\t", strict=True))
# QRadar API 19.0: members of a body, whether it must be there, its type.
PROPERTY = {"name": (True, str), "description": (False, str), "property_type": (True, str), "use_for_rule_engine": (False, bool),
            "datetime_format": (False, str), "locale": (False, str)}
EXPRESSION = {"regex_property_identifier": (True, str), "enabled": (False, bool), "expression": (True, str), "payload": (False, str),
              "log_source_type_id": (True, int), "log_source_id": (False, int), "qid": (False, int),
              "low_level_category_id": (False, int)}
BODIES = {"regex_properties": PROPERTY, "property_leef_expressions": EXPRESSION, "property_json_expressions": EXPRESSION}


class Api(http.server.BaseHTTPRequestHandler):
    """Keeps what it is given. `signer` is there from the beginning."""
    kept = {"regex_properties": [{"name": "Signer", "identifier": "known", "id": 1}], "property_leef_expressions": [],
            "property_json_expressions": []}
    refused = []

    def answer(self, code, value):
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, why):
        self.refused.append(why)
        self.answer(422, {"message": why})

    def resource(self):
        address = urllib.parse.urlsplit(self.path)
        base, _, name = address.path.rpartition("/")
        if base != "/api/config/event_sources/custom_properties" or name not in BODIES:
            return self.refuse(f"no resource {self.path}")
        if self.headers["SEC"] != "token" or self.headers["Accept"] != "application/json":
            return self.refuse("headers")
        return name

    def do_GET(self):
        name = self.resource()
        if name:
            self.answer(200, self.kept[name])

    def do_POST(self):
        name = self.resource()
        body = strict_json(self.rfile.read(int(self.headers["Content-Length"])))
        if not name:
            return None
        wanted = BODIES[name]
        missing = [key for key, (must, _) in wanted.items() if must and key not in body]
        wrong = [key for key, value in body.items() if key not in wanted or type(value) is not wanted[key][1]]
        if missing or wrong:
            return self.refuse(f"{name}: missing {missing}, wrong {wrong}")
        kept = self.kept[name]
        if name == "regex_properties":
            if body["property_type"] not in ("string", "numeric", "ip", "port", "time"):
                return self.refuse(body["property_type"])
            if any(it["name"] == body["name"] for it in kept):
                return self.refuse(f"a property {body['name']} is there")
        elif body["regex_property_identifier"] not in [it["identifier"] for it in self.kept["regex_properties"]]:
            return self.refuse("no such property")
        body = {**body, "identifier": f"{name}-{len(kept)}", "id": len(kept) + 1}
        kept.append(body)
        return self.answer(201, body)

    def log_message(self, *_):
        pass


def properties():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [sys.executable, SCRIPT, f"http://127.0.0.1:{server.server_port}", "--log-source-type", "4001"]
    env = {**os.environ, "QRADAR_TOKEN": "token"}
    said = [subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    names = {row["property"] for row in TABLE}
    assert said == [f"{len(names) - 1} properties and {len(TABLE)} expressions made\n", "0 properties and 0 expressions made\n"], said
    assert not Api.refused, Api.refused
    identifiers = {it["identifier"]: it["name"] for it in Api.kept["regex_properties"]}
    made = {(identifiers[it["regex_property_identifier"]], kind, it["expression"])
            for kind in ("LEEF", "JSON") for it in Api.kept[f"property_{kind.lower()}_expressions"]}
    assert made == {(row["property"], row["kind"], row["expression"]) for row in TABLE}
    server.shutdown()
    print(said[0].strip())


def syslog():
    """A scan sent as the recipe says, without TLS; every message an event whose keys are those of the table."""
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryDirectory() as spool:
        received = []

        def receive():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    data = b""
                    while part := connection.recv(1 << 16):
                        data += part
                received.append(data)

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        command = [SIGSCAN, FIXTURES, "--format", "leef", "--host", "WS01", "--quiet", "--spool", spool,
                   "--send", f"syslog://127.0.0.1:{server.getsockname()[1]}", *JUDGING]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    data, events = b"".join(received), 0
    known = {row["expression"] for row in TABLE if row["kind"] == "LEEF"}
    seen = set()
    while data:
        length, _, rest = data.partition(b" ")  # RFC 6587, octet counting
        message, data = rest[:int(length)].decode(), rest[int(length):]
        found = re.fullmatch(r"<\d{1,3}>1 \S+ WS01 \S+ \S+ \S+ \S+ \ufeff?(LEEF:2\.0\|[^|]*\|[^|]*\|[^|]*\|[^|]+\|x09\|(.*))", message, re.S)
        assert found, message[:200]
        pairs = [pair.partition("=") for pair in found[2].split("\t")]
        keys = [key for key, _, _ in pairs]
        assert len(keys) == len(set(keys)) and all(value for _, _, value in pairs), message
        seen.update(keys)
        events += 1
    assert known <= seen, known - seen
    printed = len(run(FIXTURES, "--format", "leef", "--host", "WS01", "--quiet", *JUDGING).splitlines())
    assert events == printed > 300, (events, printed)
    print(f"{events} events over syslog, with all {len(known)} keys of the table")


properties()
syslog()
