#!/usr/bin/env python3
"""How fast catalogs are loaded: benches/catalogs.py SIGSCAN [CATALOGS [MEMBERS]]

Makes a folder of catalogs (20,000 of 60 members by default: half version 1, half version 2, as many as a Windows image with
many driver packages holds) and one unsigned program, scans the program with and without the folder, and prints time,
peak memory, and the ratio to reading the same bytes once. The catalogs are well formed and carry no signature that
verifies: loading only indexes them, and one is judged when a file is found in it.
"""

import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(octets)]) + octets + body


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    out = [first * 40 + second]
    for number in rest:
        group = [number & 127]
        while number := number >> 7:
            group.append(128 | number & 127)
        out += reversed(group)
    return tlv(6, bytes(out))


NULL = b"\x05\x00"
SHA1 = tlv(0x30, oid("1.3.14.3.2.26"), NULL)
SHA256 = tlv(0x30, oid("2.16.840.1.101.3.4.2.1"), NULL)
IMAGE = tlv(0x30, oid("1.3.6.1.4.1.311.2.1.15"), tlv(0x30, tlv(3, b"\0"), tlv(0xA0, tlv(0xA2, tlv(0x80)))))
FILE_INFO = tlv(0x30, oid("1.3.6.1.4.1.311.12.2.3"), tlv(0x31, tlv(0x82)))


def member(number, version):
    if version == 2:
        return tlv(0x30, tlv(4, hashlib.sha256(b"%d" % number).digest()), tlv(0x31, FILE_INFO))
    digest = hashlib.sha1(b"%d" % number).digest()
    tag = (digest.hex().upper() + "\0").encode("utf-16-le")
    indirect = tlv(0x30, IMAGE, tlv(0x30, SHA1, tlv(4, digest)))
    return tlv(0x30, tlv(4, tag), tlv(0x31, tlv(0x30, oid("1.3.6.1.4.1.311.2.1.4"), tlv(0x31, indirect))))


def catalog(first, members, version):
    algorithm = tlv(0x30, oid("1.3.6.1.4.1.311.12.1.%d" % (version + 1)), NULL)
    entries = tlv(0x30, *(member(first + index, version) for index in range(members)))
    usage = tlv(0x30, oid("1.3.6.1.4.1.311.12.1.1"))
    ctl = tlv(0x30, usage, tlv(4, bytes(16)), tlv(23, b"250301120000Z"), algorithm, entries)
    content = tlv(0x30, oid("1.3.6.1.4.1.311.10.1"), tlv(0xA0, ctl))
    signer = tlv(0x30, tlv(2, b"\1"), tlv(0x30, tlv(0x30), tlv(2, b"\1")), SHA256,
                 tlv(0x30, oid("1.2.840.113549.1.1.1"), NULL), tlv(4, bytes(256)))
    data = tlv(0x30, tlv(2, b"\1"), tlv(0x31, SHA256), content, tlv(0x31, signer))
    return tlv(0x30, oid("1.2.840.113549.1.7.2"), tlv(0xA0, data))


def timed(command):
    """Seconds, and the peak memory of the child in MiB, or of this script where that is more."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.read()
    err = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    if status:
        sys.exit(f"{' '.join(command)}: {err.decode()}")
    return seconds, usage.ru_maxrss / 1024


def read_all(folder):
    start, size = time.monotonic(), 0
    for entry in os.scandir(folder):
        with open(entry.path, "rb") as file:
            size += len(file.read())
    return time.monotonic() - start, size


def main():
    sigscan = sys.argv[1]
    count, members = (int(word) for word in (sys.argv[2:] + ["20000", "60"][len(sys.argv) - 2:]))
    with tempfile.TemporaryDirectory() as folder:
        listed = os.path.join(folder, "catalogs")
        os.mkdir(listed)
        for index in range(count):
            with open(os.path.join(listed, f"{index}.cat"), "wb") as file:
                file.write(catalog(index * members, members, 1 + index % 2))
        program = os.path.join(folder, "program")
        with open(program, "wb") as file:
            file.write(b"not a program")
        reading, size = min(read_all(listed) for _ in range(3))
        plain = min(timed([sigscan, program, "--json"]) for _ in range(3))
        loaded = min(timed([sigscan, program, "--json", "--catalog", listed]) for _ in range(3))
        seconds = loaded[0] - plain[0]
        print(f"{count} catalogs, {count * members} members, {size / 1e6:.0f} MB")
        print(f"reading them once in Python: {reading:.2f} s")
        print(f"loading them: {seconds:.2f} s ({seconds / reading:.2f} times reading), "
              f"{seconds / count * 1e6:.0f} µs a catalog, {loaded[1]:.0f} MiB at most")


if __name__ == "__main__":
    main()
