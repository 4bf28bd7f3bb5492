#!/usr/bin/env python3
"""Write authentihash.tsv: what other Authenticode tools compute for every PE file below the given folders.

    peer_hashes.py NAME=FOLDER... > authentihash.tsv

NAME goes into the `set` column (`real` for the corpus of build.py, `peers` for the peers' own test
files); the same bytes are listed once. Needs signify, lief and yara-x from PyPI: this script makes the
table, checks only read it.

The value of an algorithm is signify's; where signify cannot read the file, it is LIEF's. `note` names every
tool that says otherwise, and `recomputed differs` if this script's own plain computation (the whole file
minus CheckSum, the security directory entry and the certificate table) does.
`sha256_padded8` has no peer: it is the plain computation with zeros up to a multiple of 8 bytes, the form
that Windows looks up in catalogs and that sigscan reports for unsigned files.
"""
import csv
import hashlib
import io
import logging
import os
import sys

import lief
import yara_x
from signify.authenticode.signed_file.pe import SignedPEFile

from pe_digest import layout, plain

COLUMNS = ("sha256_of_file", "set", "path", "table", "algorithms",
           "md5", "sha1", "sha256", "sha384", "sha512", "sha256_padded8", "note")
ALWAYS = ("sha1", "sha256")
LIEF = {"md5": lief.PE.ALGORITHMS.MD5, "sha1": lief.PE.ALGORITHMS.SHA_1, "sha256": lief.PE.ALGORITHMS.SHA_256,
        "sha384": lief.PE.ALGORITHMS.SHA_384, "sha512": lief.PE.ALGORITHMS.SHA_512}


def by_signify(data):
    """({algorithm: value}, algorithms that signatures use)"""
    try:
        pe = SignedPEFile(io.BytesIO(data))
        values = {name: value.hex() for name, value in
                  pe.get_fingerprints(*(getattr(hashlib, name) for name in LIEF)).items()}
    except Exception:  # a peer that fails is a fact of the table, whatever it raises
        return {}, set()
    used = set()
    try:
        for signature in pe.iter_embedded_signatures(include_nested=True):
            used.add(signature.indirect_data.digest_algorithm().name)
    except Exception:
        pass
    return values, used


def by_lief(path):
    try:
        pe = lief.PE.parse(path)
        return {name: bytes(pe.authentihash(kind)).hex() for name, kind in LIEF.items()} if pe else {}
    except Exception:
        return {}


def by_yara_x(data, module=yara_x.Module("pe")):
    """{algorithm: value} of the algorithms that signatures use (yara-x computes no others)"""
    try:
        found = module.invoke(data) or {}
    except Exception:
        return {}
    return {s["digest_alg"]: s["file_digest"] for s in found.get("signatures", ())
            if s.get("digest_alg") in LIEF and s.get("file_digest")}


def row_of(path):
    with open(path, "rb") as handle:
        data = handle.read()
    shape = layout(data)
    if shape is None:
        return None
    gaps, table = shape
    signify, used = by_signify(data)
    peers = {"signify": signify, "lief": by_lief(path), "yara-x": by_yara_x(data)}
    used |= set(peers["yara-x"])
    if table == "none":
        used = set()
    row = {"sha256_of_file": hashlib.sha256(data).hexdigest(), "table": table,
           "algorithms": ",".join(name for name in LIEF if name in used),
           "sha256_padded8": plain(data, gaps, "sha256", 8)}
    notes = []
    for name in LIEF:
        if name not in used and name not in ALWAYS:
            continue
        row[name] = peers["signify"].get(name) or peers["lief"].get(name) or ""
        for peer, values in peers.items():
            if values.get(name, row[name]) != row[name]:
                notes.append(f"{peer} differs ({name})")
        if row[name] and plain(data, gaps, name) != row[name]:
            notes.append(f"recomputed differs ({name})")
    for peer in ("signify", "lief"):
        if not peers[peer]:
            notes.append(f"{peer} cannot read it")
    row["note"] = "; ".join(notes)
    return row


def main():
    if len(sys.argv) < 2 or not all("=" in argument for argument in sys.argv[1:]):
        sys.exit("usage: peer_hashes.py NAME=FOLDER...")
    logging.disable(logging.CRITICAL)
    lief.logging.disable()
    out = csv.DictWriter(sys.stdout, COLUMNS, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None,
                         lineterminator="\n", restval="")
    out.writeheader()
    seen = set()
    for argument in sys.argv[1:]:
        name, folder = argument.split("=", 1)
        paths = sorted(os.path.join(parent, file) for parent, _, files in os.walk(folder) for file in files)
        for path in paths:
            row = row_of(path) if os.path.isfile(path) and not os.path.islink(path) else None
            if row and row["sha256_of_file"] not in seen:
                seen.add(row["sha256_of_file"])
                out.writerow({**row, "set": name, "path": os.path.relpath(path, folder)})
                sys.stdout.flush()


if __name__ == "__main__":
    main()
