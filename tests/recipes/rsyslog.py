#!/usr/bin/env python3
"""Runs docs/recipes/rsyslog.md with rsyslogd: 10,000 events in, each out once, in order, with its verdict.

Exit status: 0 passed, 1 failed, 77 rsyslogd or its mmexternal is not installed.
"""
import glob
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIGSCAN = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "target/release/sigscan"
FILES = [("pe32.exe", "Valid"), ("THIEF.EXE", "Invalid"), ("unsigned-pe64.exe", "Unsigned"), ("gone.exe", "Error")]
COUNT = 10_000


def main():
    daemon = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin")
    if not daemon or not (glob.glob("/usr/lib/*/rsyslog/mmexternal.so") + glob.glob("/usr/lib*/rsyslog/mmexternal.so")):
        print("note: rsyslogd with mmexternal is not installed (Debian: apt-get install rsyslog)")
        return 77
    recipe = (ROOT / "docs/recipes/rsyslog.md").read_text()
    (block,) = re.findall(r"```rsyslog\n(.*?)```", recipe, re.S)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        roots = " ".join(f"--trust-store {ROOT}/testdata/pki/{root}.pem" for root in ("root", "tsa-root"))
        for old, new in [
            ("/usr/local/bin/sigscan enrich", f"{SIGSCAN} enrich --at 2026-06-01T00:00:00Z {roots}"),
            ("/mnt/c", str(ROOT / "testdata/fixtures")),
            ("/var/log/verdicts.log", str(folder / "out.log")),
        ]:
            assert old in block, old
            block = block.replace(old, new)
        conf = f'global(workDirectory="{folder}")\nmodule(load="imfile")\n{block}\n'
        conf += f'input(type="imfile" file="{folder}/in.log" tag="event" ruleset="verdicts")\n'
        (folder / "conf").write_text(conf)
        lines = ['{"n":%d,"ImageLoaded":"C:\\\\%s"}' % (n, FILES[n % 4][0]) for n in range(COUNT)]
        (folder / "in.log").write_text("".join(line + "\n" for line in lines))
        command = [daemon, "-n", "-f", folder / "conf", "-i", folder / "pid"]
        with open(folder / "log", "w") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log)
        out, end = folder / "out.log", time.monotonic() + 120
        try:
            while time.monotonic() < end and (not out.exists() or out.read_bytes().count(b"\n") < COUNT):
                time.sleep(0.5)
        finally:
            server.terminate()
            server.wait()
        found = out.read_text().splitlines() if out.exists() else []
        wanted = [f"{line}|{FILES[n % 4][1]}" for n, line in enumerate(lines)]
        if found != wanted:
            first = next((n for n, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1]), len(found))
            print(f"{len(found)} lines; line {first} differs: {found[first:first + 1]}")
            print((folder / "log").read_text()[:2000])
            return 1
    print(f"{COUNT} events: none lost, doubled, out of order or without its verdict")
    return 0


sys.exit(main())
