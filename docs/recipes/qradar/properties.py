#!/usr/bin/env python3
"""Makes QRadar's custom properties for sigscan, through its REST API.

    QRADAR_TOKEN=... properties.py https://QRADAR --log-source-type NUMBER [--table properties.tsv]

Properties that exist are used as they are, and so are expressions that a property already has for that log source type.
Source: QRadar API 19.0, /config/event_sources/custom_properties.
"""
import argparse
import csv
import json
import os
import pathlib
import sys
import urllib.parse
import urllib.request

BASE = "/api/config/event_sources/custom_properties"
EXPRESSIONS = {"LEEF": "property_leef_expressions", "JSON": "property_json_expressions"}


class Console:
    def __init__(self, address, token):
        self.address, self.token = address.rstrip("/"), token

    def ask(self, method, path, body=None, **query):
        address = f"{self.address}{BASE}/{path}"
        if query:
            address += "?" + urllib.parse.urlencode(query)
        headers = {"SEC": self.token, "Accept": "application/json", "Version": "19.0"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(address, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--log-source-type", type=int, required=True)
    parser.add_argument("--table", type=pathlib.Path, default=pathlib.Path(__file__).with_name("properties.tsv"))
    options = parser.parse_args()
    token = os.environ.get("QRADAR_TOKEN") or sys.exit("QRADAR_TOKEN is not set")
    console = Console(options.address, token)
    known = {it["name"]: it["identifier"] for it in console.ask("GET", "regex_properties", fields="name,identifier")}
    there = set()
    for kind, path in EXPRESSIONS.items():
        for it in console.ask("GET", path, fields="regex_property_identifier,expression,log_source_type_id"):
            there.add((kind, it["regex_property_identifier"], it["expression"], it["log_source_type_id"]))
    made = [0, 0]
    with open(options.table, newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", strict=True):
            if row["property"] not in known:
                body = {"name": row["property"], "description": f"sigscan: {row['what']}", "property_type": "string",
                        "use_for_rule_engine": True}
                known[row["property"]] = console.ask("POST", "regex_properties", body)["identifier"]
                made[0] += 1
            identifier = known[row["property"]]
            key = (row["kind"], identifier, row["expression"], options.log_source_type)
            if key not in there:
                body = {"regex_property_identifier": identifier, "enabled": True, "expression": row["expression"],
                        "log_source_type_id": options.log_source_type}
                console.ask("POST", EXPRESSIONS[row["kind"]], body)
                there.add(key)
                made[1] += 1
    print(f"{made[0]} properties and {made[1]} expressions made")


if __name__ == "__main__":
    main()
