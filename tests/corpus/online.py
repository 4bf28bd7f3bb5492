#!/usr/bin/env python3
"""Scans online against real servers on loopback: Python's HTTP server and OpenSSL's OCSP responder.

Usage: online.py [--sigscan PROGRAM]      (default: target/release/sigscan)

The fixture online.exe names http://localhost:18381 for its issuer and the root's CRL, and http://localhost:18382 as OCSP
responder. The authorities' keys are the fixtures' own. Nothing leaves this machine.
"""

import argparse
import functools
import http.server
import json
import pathlib
import subprocess
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTDATA = ROOT / "testdata"
FIXTURE = TESTDATA / "fixtures" / "online.exe"
FILES, RESPONDER = 18381, 18382
SERIAL = "102030"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Python's file server, without its log."""

    def log_message(self, *_):
        pass


class Responder:
    """`openssl ocsp` with an index that says one thing of the publisher's certificate."""

    def __init__(self, folder, line):
        (folder / "index.txt").write_text(line)
        (folder / "index.txt.attr").write_text("unique_subject = no\n")
        issuer, key = folder / "inter.pem", folder / "key.pem"
        self.process = subprocess.Popen(
            ["openssl", "ocsp", "-index", folder / "index.txt", "-port", str(RESPONDER), "-rsigner", issuer]
            + ["-rkey", key, "-CA", issuer, "-nmin", "5", "-ignore_err"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def __enter__(self):
        # It says when it listens; a connection to find out would be its last one.
        for said in self.process.stderr:
            if b"waiting" in said:
                threading.Thread(target=self.process.stderr.read, daemon=True).start()
                return self
        raise SystemExit("openssl ocsp does not start")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sigscan", default=ROOT / "target" / "release" / "sigscan", type=pathlib.Path)
    program = parser.parse_args().sigscan
    handler = functools.partial(Quiet, directory=TESTDATA / "online")
    server = http.server.ThreadingHTTPServer(("", FILES), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    allowed = [f"--allow-host=localhost:{port}" for port in (FILES, RESPONDER)]
    roots = ["--trust-store", TESTDATA / "pki" / "root.pem"]
    failures = []

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        openssl = functools.partial(subprocess.run, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        openssl(["openssl", "x509", "-in", TESTDATA / "online" / "inter.crt", "-inform", "DER", "-out", folder / "inter.pem"])
        key = ROOT / "tests" / "lab" / "keys" / "rsa2048-inter.der"
        openssl(["openssl", "rsa", "-in", key, "-inform", "DER", "-out", folder / "key.pem"])

        def scan(*options):
            command = [program, FIXTURE, "--json", "--quiet", *roots, *options]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=120)
            return json.loads(done.stdout)

        def online(cache):
            return scan("--online", "--online-cache", folder / cache, *allowed)

        def check(what, record, status, reason, revocation, notes=0):
            told = (record["status"], record["reason"], record["revocation"])
            failed = [note["message"] for note in record["anomalies"] if note["code"].startswith("download")]
            if told != (status, reason, revocation) or len(failed) != notes:
                failures.append(f"{what}: {told}, {failed}")
            print(f"{what}: {' '.join(told)}", *failed, sep="\n  ")

        def line(kind, date, serial):
            return f"{kind}\t400101000000Z\t{date}\t{serial}\tunknown\t/CN=x\n"

        check("offline", scan(), "Untrusted", "chain-incomplete", "not-checked")
        with Responder(folder, line("V", "", SERIAL)):
            record = online("cache-good")
            check("good", record, "Valid", "ok", "good")
            sources = [link.get("revocation", {}).get("source") for link in record["signatures"][0]["chain"]]
            print(f"  {sources}")
            kept = folder / "kept"
            fetch = [program, "fetch", FIXTURE, "--output", kept, "--quiet", "--online-cache", folder / "cache-fetch"]
            subprocess.run([*fetch, *roots, *allowed], check=True, timeout=120)
        with Responder(folder, line("R", "250101000000Z,keyCompromise", SERIAL)):
            check("revoked", online("cache-revoked"), "Revoked", "cert-revoked", "revoked")
        with Responder(folder, line("V", "", "01")):
            check("unknown to the responder", online("cache-unknown"), "Valid", "ok", "unknown")
        check("no responder", online("cache-none"), "Valid", "ok", "unknown", 1)
        check("from the cache alone", online("cache-good"), "Valid", "ok", "good")
        server.shutdown()
        server.server_close()
        check("from the cache without any server", online("cache-good"), "Valid", "ok", "good")
        check("fetched, offline", scan("--crl", kept, "--intermediates", kept), "Valid", "ok", "good")
    if failures:
        raise SystemExit("not as expected:\n" + "\n".join(failures))


if __name__ == "__main__":
    main()
