#!/usr/bin/env python3
"""Runs docs/recipes/fluent-bit.md as far as Fluent Bit is not needed.

Exit status: 0 passed, 1 failed, 77 there is no reader for its configuration.
"""
import datetime
import subprocess

from common import FIXTURES, JUDGING, RECIPES, SIGSCAN, package, strict_lines

UNITS = {"k": 1024, "m": 1024**2}


def main():
    yaml = package("yaml", "pyyaml==6.0.3")
    if not yaml:
        return 77
    conf = yaml.safe_load((RECIPES / "fluent-bit/fluent-bit.yaml").read_text())
    (source,), (parser,) = conf["pipeline"]["inputs"], conf["parsers"]
    # "Exec": every parameter that it has.
    known = {"name", "tag", "command", "parser", "buf_size", "interval_sec", "interval_nsec", "oneshot", "exit_after_oneshot",
             "propagate_exit_code", "threaded"}
    assert set(source) <= known and source["name"] == "exec" and source["parser"] == parser["name"], source
    command = source["command"]
    for old, new in [("/usr/local/bin/sigscan", " ".join([str(SIGSCAN), *JUDGING])), ("/mnt/c", str(FIXTURES))]:
        assert old in command, old
        command = command.replace(old, new)
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True)
    size = int(source["buf_size"][:-1]) * UNITS[source["buf_size"][-1]]
    longest = max(map(len, done.stdout.splitlines(keepends=True)))
    assert longest < size, f"a line of {longest} bytes, a buffer of {size}"
    events = strict_lines(done.stdout)
    form = parser["time_format"].replace("%L", "%f")
    for event in events:
        datetime.datetime.strptime(event[parser["time_key"]], form)
    assert len(events) > 250, len(events)
    print(f"{len(events)} events, the longest of {longest} bytes")
    return 0


raise SystemExit(main())
