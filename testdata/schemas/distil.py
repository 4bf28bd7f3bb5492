#!/usr/bin/env python3
"""Distils the published schemas of the output formats into the small strict ones that the tests use.

    distil.py ecs  fields.csv                > ecs.tsv
    distil.py ocsf export-1.8.0.json         > ocsf.schema.json
    distil.py sarif sarif-schema-2.1.0.json  > sarif.schema.json

Only facts are taken over: names, types, what is required, enumerations, constraints. Prose stays behind. What sigscan
does not write is left out, so that it fails as unknown; objects are closed.
"""

import csv
import json
import sys

ECS_SETS = {"base", "ecs", "event", "file", "host", "observer", "related", "rule", "threat"}
ECS_OTHERS = {"process.executable", "process.name", "process.command_line", "process.parent.executable", "process.parent.name",
              "registry.path", "user.name", "user.domain"}


def ecs(path):
    print("field\ttype\tarray")
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            name = row["Field"]
            if row["Field_Set"] not in ECS_SETS and name not in ECS_OTHERS or name.endswith(".text") or row["Field_Set"] == "threat" and any(
                name.startswith(f"threat.{part}") for part in ("indicator", "enrichments", "feed", "group", "software")
            ) or ".elf." in name or ".macho." in name or name.startswith(("host.cpu", "host.disk", "host.network", "host.geo", "observer.geo", "observer.os", "observer.egress", "observer.ingress", "host.os")):
                continue
            print(name, row["Type"], "array" if row["Normalization"] == "array" else "", sep="\t")


OCSF_CLASSES = ["detection_finding", "evidence_info", "scan_activity"]
OCSF_OBJECTS = {
    "analytic", "attack", "certificate", "device", "digital_signature", "evidences", "file", "finding_info",
    "fingerprint", "metadata", "object", "product", "query_evidence", "scan", "sub_technique", "tactic", "technique",
    "user", "win/reg_key",
}


def ocsf(path):
    export = json.load(open(path))
    types = export["dictionary"]["types"]["attributes"]

    def own(name):
        return name.rsplit("/", 1)[-1]  # without the extension

    def scalar(name):
        row = types[name]
        base = row.get("type", name)
        schema = {"type": {"string_t": "string", "integer_t": "integer", "long_t": "integer", "float_t": "number",
                           "boolean_t": "boolean"}[base]}
        if "regex" in row:
            schema["pattern"] = row["regex"]
        if "max_len" in row:
            schema["maxLength"] = row["max_len"]
        return schema

    def attribute(row):
        if row["type"] == "object_t":
            name = row["object_type"]
            if name not in OCSF_OBJECTS:
                return None
            schema = {"type": "object"} if name == "object" else {"$ref": f"#/$defs/{own(name)}"}
        elif row["type"] == "json_t":
            schema = {}
        else:
            schema = scalar(row["type"])
            if row.get("enum"):
                keys = list(row["enum"])
                schema["enum"] = [int(key) for key in keys] if schema["type"] == "integer" else keys
        return {"type": "array", "items": schema} if row.get("is_array") else schema

    def closed(item):
        known, required = {}, []
        for name, row in sorted(item["attributes"].items()):
            if set(row.get("profiles") or []) - {"host"} or "@deprecated" in row:
                continue
            schema = attribute(row)
            if schema is not None:
                known[name] = schema
            if row.get("requirement") == "required":
                required.append(name)
        schema = {"type": "object", "properties": known, "required": required, "additionalProperties": False}
        for constraint, names in (item.get("constraints") or {}).items():
            word = {"at_least_one": "anyOf", "just_one": "oneOf"}[constraint]
            schema[word] = [{"required": [name]} for name in names]
        return schema

    classes = {name: closed(export["classes"][name]) for name in OCSF_CLASSES}
    objects = {own(name): closed(export["objects"][name]) for name in sorted(OCSF_OBJECTS - {"object"})}
    for name in OCSF_CLASSES:
        classes[name]["properties"]["unmapped"] = {"type": "object"}
    by_class = [{"$ref": f"#/$defs/{name}"} for name in OCSF_CLASSES]
    write({"$schema": "https://json-schema.org/draft/2020-12/schema", "oneOf": by_class, "$defs": {**classes, **objects}})


SARIF_DEFINITIONS = {
    "address", "artifact", "artifactLocation", "configurationOverride", "invocation", "location", "message",
    "multiformatMessageString", "physicalLocation", "propertyBag", "reportingConfiguration", "reportingDescriptor",
    "reportingDescriptorReference", "reportingDescriptorRelationship", "result", "run", "tool", "toolComponent",
    "toolComponentReference",
}


def sarif(path):
    schema = json.load(open(path))

    def uses_others(value):
        if isinstance(value, dict):
            reference = value.get("$ref", "")
            if reference.startswith("#/definitions/") and reference.rsplit("/", 1)[1] not in SARIF_DEFINITIONS:
                return True
            return any(uses_others(member) for member in value.values())
        return isinstance(value, list) and any(uses_others(item) for item in value)

    def facts(value, names=None):
        if isinstance(value, dict):
            kept = {}
            for key, member in value.items():
                if not names and key in ("description", "title", "default", "id"):
                    continue
                if names == "properties" and uses_others(member):
                    continue
                kept[key] = facts(member, key if key in ("properties", "definitions") and not names else None)
            return kept
        return [facts(item) for item in value] if isinstance(value, list) else value

    definitions = {name: schema["definitions"][name] for name in sorted(SARIF_DEFINITIONS)}
    write(facts({**schema, "definitions": definitions}))


def write(schema):
    json.dump(schema, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    {"ecs": ecs, "ocsf": ocsf, "sarif": sarif}[sys.argv[1]](sys.argv[2])
