"""What the checks of path validation share: running `sigscan trust check`, and lists of deviations."""
import concurrent.futures
import json
import os
import subprocess

from records import rows

SECONDS = 60  # a hang is a failure; a check takes about 50 ms


def judged(sigscan, arguments, verbose=False):
    """Status and reason of the one certificate that the arguments name, or what went wrong."""
    command = [sigscan, "trust", "check", *arguments]
    if verbose:
        print(" ".join(command))
        print(subprocess.run(command, capture_output=True, text=True, timeout=SECONDS).stdout)
    try:
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"no end after {SECONDS} s"
    if "panicked at" in done.stderr:
        return f"panicked: {done.stderr[:300]}"
    lines = done.stdout.splitlines()
    if done.returncode not in (0, 1) or len(lines) != 1:
        return f"exit status {done.returncode}, {len(lines)} reports: {done.stderr.strip()[-300:]}"
    report = json.loads(lines[0])
    if (done.returncode == 0) != (report["status"] == "Valid"):
        return f"exit status {done.returncode} with {report['status']}"
    return f"{report['status']}/{report['reason']}"


def in_parallel(run, items):
    """The results of `run` for the items, in their order."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(run, items))


def deviations(name):
    """The rows of a list of deviations by test; every one has a reason."""
    found = {row["test"]: row for row in rows(name)}
    bare = [test for test, row in found.items() if not row["why"].strip()]
    if bare:
        raise SystemExit(f"{name}: no reason for {', '.join(bare)}")
    return found


def finish(title, passed, deviating, failures):
    """Prints what failed and the summary; the exit status."""
    for name, text in failures:
        print(f"FAILED {name}: {text}")
    print(f"{title}: {passed} passed, {len(failures)} failed, {deviating} deviate for a reason")
    return 1 if failures else 0
