#!/usr/bin/env python3
"""Send many records to a receiver that is killed, and kill sigscan too: is any record missing?

    delivery.py SIGSCAN [RECORDS]      (default: 100000)

Makes a folder of RECORDS names of one signed program and scans it four times:
  print     to a file, for comparison
  steady    to a receiver that lives
  killed    to a receiver that is killed (SIGKILL) and started again three times
  both      sigscan is killed (SIGKILL) when the receiver has 30 per cent; `sigscan send` sends what is left: what arrived
            must be the first names without a gap; then the scan runs again over the same spool
A receiver appends a request's lines to a file before it answers. Exit status 1 if a record is missing, changed, or has
copies that differ.
"""
import gzip
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "..", "testdata", "fixtures", "pe32.exe")


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        lines = memoryview(gzip.decompress(body))
        while lines:
            lines = lines[self.server.log.write(lines):]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def receive(port, path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    server.log = open(path, "ab", buffering=0)
    server.serve_forever()


class Remote:
    """A receiver in a process of its own."""

    def __init__(self, folder, name):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.path = os.path.join(folder, name + ".lines")
        open(self.path, "wb").close()
        self.start()

    def start(self):
        with open(self.path, "ab") as log:
            log.write(b"\n")  # ends the line in which the one before died
        self.process = subprocess.Popen([sys.executable, __file__, "--receive", str(self.port), self.path])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def size(self):
        return os.path.getsize(self.path)

    def records(self):
        """What arrived: {path: line}, and how many lines were copies."""
        found, copies = {}, 0
        with open(self.path, "rb") as lines:
            for line in lines:
                if not line.endswith(b"}\n"):
                    continue  # the receiver died while it wrote; it never answered
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                path = record["path"]
                copies += path in found
                if found.setdefault(path, line) != line:
                    sys.exit(f"{path}: copies differ")
        if len({json.loads(line)["delivery_id"] for line in found.values()}) != len(found):
            sys.exit("two records share an identifier")
        return found, copies


def peak_of(pid):
    """Peak resident KiB of a process so far. The ru_maxrss of a child would begin at what this process held at the fork."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def run(command):
    """Starts it; the result's `measure` waits and gives (exit status, seconds, peak MiB)."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def measure():
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            time.sleep(0.005)
        return process.returncode, time.monotonic() - begun, peak / 1024

    process.measure = measure
    return process


def told(name, count, result, extra=""):
    _, seconds, peak = result
    print(f"{name:8} {seconds:7.1f} s {count / seconds:9.0f} records/s {peak:7.1f} MiB{extra}", flush=True)


def main():
    program, count = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        files = os.path.join(folder, "files")
        os.mkdir(files)
        original = os.path.join(folder, "program")
        with open(PROGRAM, "rb") as source, open(original, "wb") as target:
            target.write(source.read())
        names = [os.path.join(files, f"{number:06}.exe") for number in range(count)]
        for number, name in enumerate(names):
            if number % 20000 == 0:  # file systems limit the names of one file
                copy = os.path.join(folder, f"program{number}")
                with open(original, "rb") as source, open(copy, "wb") as target:
                    target.write(source.read())
            os.link(copy, name)
        scan = [program, files, "--at", "2026-06-01", "--no-correlate", "--quiet"]

        printed = os.path.join(folder, "printed.jsonl")
        result = run(scan + ["--output", printed]).measure()
        told("print", count, result, f"  ({os.path.getsize(printed) / 1e6:.0f} MB)")
        whole = os.path.getsize(printed)
        with open(printed, "rb") as lines:
            expected = {json.loads(line)["path"]: line for line in lines}
        assert sorted(expected) == names

        def sending(remote, spool):
            url = f"http://127.0.0.1:{remote.port}/"
            return ["--send", url, "--spool", os.path.join(folder, spool)]

        def check(name, remote, result, found, wanted):
            if result[0] != 0:
                sys.exit(f"{name}: exit status {result[0]}")
            records, copies = found
            if sorted(records) != wanted:
                sys.exit(f"{name}: {len(wanted) - len(records)} records are missing")
            for path, line in records.items():
                record, _ = line.rsplit(b',"delivery_id":', 1)
                if record + b"}\n" != expected[path]:
                    sys.exit(f"{name}: {path} changed on the way")
            return f"  none missing, {copies} copies"

        remote = Remote(folder, "steady")
        result = run(scan + sending(remote, "steady")).measure()
        told("steady", count, result, check("steady", remote, result, remote.records(), names))
        remote.kill()

        remote = Remote(folder, "killed")
        process = run(scan + sending(remote, "killed"))

        def killing():
            for share in (0.2, 0.4, 0.6):
                while remote.size() < share * whole:
                    time.sleep(0.005)
                remote.kill()
                time.sleep(1)
                remote.start()

        killer = threading.Thread(target=killing)
        killer.start()
        result = process.measure()
        killer.join()
        told("killed", count, result, check("killed", remote, result, remote.records(), names))
        remote.kill()

        remote = Remote(folder, "both")
        process = run(scan + sending(remote, "both"))
        while remote.size() < 0.3 * whole:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.measure()
        before = len(remote.records()[0])
        result = run([program, "send"] + sending(remote, "both")).measure()
        found = remote.records()
        extra = check("resumed", remote, result, found, names[: len(found[0])])
        told("resumed", len(found[0]) - before, result, f"{extra}: the first {len(found[0])} names, {before} before the kill")
        if len(found[0]) < before:
            sys.exit("records went away")
        result = run(scan + sending(remote, "both")).measure()
        told("again", count, result, check("again", remote, result, remote.records(), names))
        remote.kill()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--receive"]:
        receive(int(sys.argv[2]), sys.argv[3])
    else:
        main()
