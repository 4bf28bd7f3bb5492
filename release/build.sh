#!/usr/bin/env bash
# Builds the release: the program, its bill of materials and their checksums, the same octets in whatever folder.
#
#   release/build.sh FOLDER      writes sigscan, sigscan.cdx.json and SHA256SUMS into FOLDER, which is made anew
#
# Needs a Rust toolchain, a C compiler, git, Python 3.11 and cargo-cyclonedx.
# docs/release.md says what has to be equal for two builds to be equal.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,8p' "$0"; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly target=x86_64-unknown-linux-gnu
readonly cyclonedx=0.5.9
root=$PWD
home=${CARGO_HOME:-$HOME/.cargo}
out=$(mkdir -p "$1" && cd "$1" && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

# Everything that is said about time is said about the commit.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH
# Nothing of the environment may change what is compiled: flags, compilers, wrappers, and what leads the build script of aws-lc
# to a library that is installed here.
while IFS= read -r name; do
  case $name in
    *FLAGS | *FLAGS_* | CC | CC_* | CXX | CXX_* | AR | AR_* | HOST_* | TARGET_* | RUSTC* | OPENSSL_* | PKG_CONFIG* | AWS_LC_* | CMAKE* | \
      CARGO_BUILD_* | CARGO_PROFILE_* | CARGO_TARGET_* | CARGO_INCREMENTAL) unset "$name" ;;
  esac
done < <(compgen -e)
export AWS_LC_SYS_USE_SYSTEM=0
# Link-time optimisation puts a number into the names of some symbols that depends on the folder; nobody needs the names.
export CARGO_PROFILE_RELEASE_STRIP=symbols
export LC_ALL=C TZ=UTC

# Paths of this machine, in Rust's panics and line tables, and in the C library's assertions.
sysroot=$(rustc --print sysroot)
maps=("$build=/build" "$root=/sigscan" "$home=/cargo" "$sysroot=/rust")
flags=()
for map in "${maps[@]}"; do flags+=("--remap-path-prefix=$map"); done
separated=$(printf '%s\x1f' "${flags[@]}")
export CARGO_ENCODED_RUSTFLAGS=${separated%$'\x1f'}
# No C file lies in the repository, whose path may have blanks, which these flags cannot.
export CFLAGS="-ffile-prefix-map=$build=/build -ffile-prefix-map=$home=/cargo"

cargo build --release --locked --target "$target" --target-dir "$build"
install -m 755 "$build/$target/release/sigscan" "$out/sigscan"

# The bill of materials: what is built in, and nothing that only tests need.
cargo cyclonedx --version | grep -q "$cyclonedx" || { echo "cargo-cyclonedx $cyclonedx is needed" >&2; exit 1; }
python3 release/sbom.py "$target" "$out/sigscan.cdx.json"

(cd "$out" && sha256sum sigscan sigscan.cdx.json > SHA256SUMS && cat SHA256SUMS)
