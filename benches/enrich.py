#!/usr/bin/env python3
"""How many events a second `sigscan enrich` answers, what it costs, and what is left when it is killed.

    enrich.py SIGSCAN [EVENTS] [MANY]      (default: 500000 events, 5000000 for the memory)

Makes 5,000 programs that differ from each other and Sysmon 7 events that name them in turn, with the digests that they
have, and runs with two threads that judge (--jobs 2):
  cat         EVENTS lines through `cat`: what the pipe and this reader allow
  parse       the same lines through `sigscan enrich` with no file to judge (--path-field of a field that is not there):
              what reading, parsing and writing of JSON allow
  enrich      the verdicts of 5,000 files remembered: the steady state of a pipeline, from the first answer after all files
              were judged once. With --compact, with whole records, and merged as ECS
  memory      MANY events, resident memory sampled; the second half must not need more than the first, give or take 4 MiB
  killed      SIGKILL in the middle, then a restart from the first line that has no answer: the answers are those of an
              undisturbed run, byte for byte, and only the last line before the kill may be cut
Other programs on the machine take from the rate and not from the processor time: 50,000 events a second on two cores are
40 us each. Exit status 1 if `enrich --compact` is below 50,000 events a second, memory grows, or a line is lost or broken.
"""
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "..", "testdata", "fixtures", "pe32.exe")
FILES = 5000
REQUIRED = 50_000


def programs(folder):
    """FILES copies of a signed program with another CheckSum each, which no signature covers; their names and digests."""
    with open(PROGRAM, "rb") as source:
        original = source.read()
    checksum = int.from_bytes(original[0x3C:0x40], "little") + 24 + 64
    made = []
    for number in range(FILES):
        content = original[:checksum] + (number + 1).to_bytes(4, "little") + original[checksum + 4 :]
        name = f"Program{number:04}.exe"
        with open(os.path.join(folder, name), "wb") as target:
            target.write(content)
        made.append((name, hashlib.sha256(content).hexdigest().upper()))
    return made


def event(number, name, digest):
    data = {
        "RuleName": "-", "UtcTime": "2026-05-31 10:11:12.131", "ProcessGuid": "{9f1c6a52-0b1d-6656-1a00-000000000b00}",
        "ProcessId": 1000 + number % 7000, "Image": "C:\\Windows\\System32\\svchost.exe",
        "ImageLoaded": "C:\\Tools\\" + name, "FileVersion": "1.2.3.4", "Description": "A program", "Product": "Programs",
        "Company": "Company", "OriginalFileName": name,
        "Hashes": "SHA1=" + "0" * 39 + "1,MD5=" + "0" * 31 + "1,SHA256=" + digest + ",IMPHASH=" + "0" * 31 + "1",
        "Signed": "true", "Signature": "Company", "SignatureStatus": "Valid", "User": "NT AUTHORITY\\SYSTEM",
    }
    system = {
        "Provider": {"Name": "Microsoft-Windows-Sysmon"}, "EventID": 7, "EventRecordID": number,
        "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "WORKSTATION.example.com",
    }
    return (json.dumps({"Event": {"System": system, "EventData": data}}, separators=(",", ":")) + "\n").encode()


def seconds(command, path, warm=0):
    """From the answer to line `warm` (0: the start) to the last: time, processor time, lines; and the bytes that came out."""
    child = subprocess.Popen(command, stdin=open(path, "rb"), stdout=subprocess.PIPE)
    begun, lines, size = time.monotonic(), 0, 0
    started = begun if warm == 0 else None
    counted, spent = 0, 0.0
    while block := os.read(child.stdout.fileno(), 1 << 20):
        lines += block.count(b"\n")
        size += len(block)
        if started is None and lines >= warm:
            started, counted, spent = time.monotonic(), lines, processor(child.pid)
    ended, spent = time.monotonic(), processor(child.pid) - spent
    assert child.wait() == 0
    return ended - started, spent, lines - counted, size


def processor(pid):
    """Processor time of a process that runs, or has ended and was not waited for."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def memory(command, events, many):
    """Peak of the resident memory in the first and in the second half, in MiB."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    block = b"".join(events)
    peaks, sent = [0.0, 0.0], 0
    while sent < many:
        child.stdin.write(block)
        sent += len(events)
        half = int(sent > many / 2)
        peaks[half] = max(peaks[half], resident(child.pid))
    child.stdin.close()
    assert child.wait() == 0
    return peaks, sent


def killed(command, path, whole):
    """Kills it in the middle, and goes on with the first line that has no answer. The lines of both runs."""
    child = subprocess.Popen(command, stdin=open(path, "rb"), stdout=subprocess.PIPE)
    got = b""
    while len(got) < len(whole) // 2:
        got += os.read(child.stdout.fileno(), 1 << 16)
    child.send_signal(signal.SIGKILL)
    while block := os.read(child.stdout.fileno(), 1 << 16):
        got += block
    child.wait()
    complete = got[: got.rfind(b"\n") + 1]
    if not whole.startswith(got):
        sys.exit("killed: what came out before is not what comes out undisturbed")
    answered = complete.count(b"\n")
    with open(path, "rb") as source:
        rest = source.read().split(b"\n", answered)[answered]
    again = subprocess.run(command, input=rest, stdout=subprocess.PIPE, check=True).stdout
    if complete + again != whole:
        sys.exit("killed: the answers after the restart are not those of an undisturbed run")
    return answered, again.count(b"\n"), len(got) - len(complete)


def main():
    program = os.path.abspath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 500_000
    many = int(sys.argv[3]) if len(sys.argv) > 3 else 5_000_000
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        files = os.path.join(folder, "files")
        os.mkdir(files)
        made = programs(files)
        lines = [event(number, *made[number % FILES]) for number in range(count)]
        path = os.path.join(folder, "events.jsonl")
        with open(path, "wb") as target:
            target.writelines(lines)
        size = os.path.getsize(path)
        enrich = [program, "enrich", "--at", "2026-06-01T00:00:00Z", "--jobs", "2", "--path-map", "C:\\Tools\\=" + files]
        print(f"{count} events of {size // count} bytes about {FILES} files; {os.cpu_count()} cores")

        def told(name, result, limit=None):
            elapsed, spent, answers, out = result
            rate = answers / elapsed
            compared = "" if limit is None else f"  {rate / limit:6.1%} of parse"
            cost = f"{spent / answers * 1e6:5.1f} us of processor each"
            print(f"{name:16} {elapsed:7.2f} s {rate:10,.0f} events/s {cost} {out / 1e6:6.0f} MB out{compared}", flush=True)
            return rate

        pipe = told("cat", seconds(["cat"], path))
        parse = told("parse", seconds(enrich + ["--path-field", "no.such.field"], path))
        print(f"{'':16} parse is {parse / pipe:.1%} of cat")
        rate = told("compact", seconds(enrich + ["--compact"], path, warm=FILES), parse)
        told("whole records", seconds(enrich, path, warm=FILES), parse)
        told("merged as ecs", seconds(enrich + ["--compact", "--merge", "ecs"], path, warm=FILES), parse)
        if rate < REQUIRED:
            print(f"below {REQUIRED} events/s")
            failed = True

        part = lines[: FILES * 4]
        path = os.path.join(folder, "part.jsonl")
        with open(path, "wb") as target:
            target.writelines(part)
        command = enrich + ["--compact"]
        whole = subprocess.run(command, stdin=open(path, "rb"), stdout=subprocess.PIPE, check=True).stdout
        answers = [json.loads(line) for line in whole.splitlines()]
        said = {answer["sigscan"]["hashes"]["sha256"].upper() for answer in answers}
        if len(answers) != len(part) or said != {digest for _, digest in made}:
            sys.exit("answers are missing")
        before, after, cut = killed(command, path, whole)
        print(f"killed           {before} answers and {cut} bytes of one before, {after} after the restart: the same lines")

        (first, second), sent = memory(command, part, many)
        print(f"memory           {sent} events: {first:.1f} MiB in the first half, {second:.1f} MiB in the second")
        if second > first + 4:
            print("memory grows")
            failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
