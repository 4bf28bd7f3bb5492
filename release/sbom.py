#!/usr/bin/env python3
"""Writes the bill of materials of the release binary: CycloneDX 1.5 as JSON, made by cargo-cyclonedx.

    release/sbom.py TARGET FILE

What cargo-cyclonedx says of the moment and of this machine is replaced: SOURCE_DATE_EPOCH is the time, the serial number
is a digest of the content, and paths are those below the repository. Fails if the components are not, name by name and
version by version, the crates that `cargo tree` says are built in or run while building.
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    target, wanted = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    made = ROOT / "sigscan-bom.json"
    command = ["cargo", "cyclonedx", "--format", "json", "--spec-version", "1.5", "--target", target,
               "--override-filename", made.stem]
    try:
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        text = made.read_text(encoding="utf-8")
    finally:
        made.unlink(missing_ok=True)
    text = text.replace(ROOT.as_uri(), "file:///sigscan").replace(str(ROOT), "/sigscan")
    # cargo leaves the package's name out where the folder is called like it.
    bom = json.loads(re.sub(r"(file:///sigscan)#(?=[0-9])", r"\1#sigscan@", text))

    tree = subprocess.run(
        ["cargo", "tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--target", target, "--format", "{p}"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    built = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    listed = {(one["name"], "v" + one["version"]) for one in bom["components"]}
    listed.add((bom["metadata"]["component"]["name"], "v" + bom["metadata"]["component"]["version"]))
    # cargo-cyclonedx does not ask which optional dependencies are off: what is not built in is left out here.
    bom["components"] = [one for one in bom["components"] if (one["name"], "v" + one["version"]) in built]
    if not built <= listed:
        print(f"not in the bill of materials: {sorted(built - listed)}", file=sys.stderr)
        return 1
    kept = {one["bom-ref"] for one in bom["components"]} | {bom["metadata"]["component"]["bom-ref"]}
    edges = [edge for edge in bom.get("dependencies", []) if edge["ref"] in kept]
    for edge in edges:
        edge["dependsOn"] = [ref for ref in edge.get("dependsOn", []) if ref in kept]
    bom["dependencies"] = edges
    moment = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    bom["metadata"]["timestamp"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    bom.pop("serialNumber", None)
    digest = hashlib.sha256(json.dumps(bom, sort_keys=True).encode()).digest()
    bom["serialNumber"] = f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=5)}"
    wanted.write_text(json.dumps(bom, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{wanted.name}: {len(bom['components'])} components, {len(built) - 1} crates are built in or run while building")
    return 0 if len(bom["components"]) == len(built) - 1 else 1


if __name__ == "__main__":
    sys.exit(main())
