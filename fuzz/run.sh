#!/usr/bin/env bash
# Runs every target for some seconds and prints what came of it.
#
#   fuzz/run.sh SECONDS [TARGET...]        (default: 600, all targets)
#
# Needs a nightly compiler and `cargo install cargo-fuzz --locked`. Seeds and what was learnt stay in fuzz/corpus,
# inputs that broke something in fuzz/artifacts. The exit status is 1 if there is any of those.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
seconds=${1:-600}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <(cargo +nightly fuzz list)
fi
cargo run -q --no-default-features --bin seeds -- corpus
cargo +nightly fuzz build -O --target-dir "${CARGO_TARGET_DIR:-target}"
host=$(rustc -vV | sed -n 's/^host: //p')
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
printf '%-12s %12s %9s %9s %8s %9s %s\n' target executions per_s edges corpus rss_MiB result
failed=0
for target in "${targets[@]}"; do
  dictionary=der
  case $target in
    record | damage | version) dictionary=pe ;;
    events | evtx | lines | lists | url) dictionary=text ;;
  esac
  mkdir -p "corpus/$target" "artifacts/$target"
  result=ok
  "${CARGO_TARGET_DIR:-target}/$host/release/$target" "corpus/$target" -dict="dictionaries/$dictionary.dict" \
    -artifact_prefix="artifacts/$target/" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=262144 \
    -print_final_stats=1 >"$logs/$target" 2>&1 || { result=FAILED failed=1; }
  field() { sed -n "s/^stat::$1: *//p" "$logs/$target"; }
  last=$(grep -E '^#[0-9]+' "$logs/$target" | tail -n 1)
  printf '%-12s %12s %9s %9s %8s %9s %s\n' "$target" "$(field number_of_executed_units)" \
    "$(field average_exec_per_sec)" "$(sed -n 's/.*cov: \([0-9]*\).*/\1/p' <<<"$last")" \
    "$(sed -n 's/.*corp: \([0-9]*\).*/\1/p' <<<"$last")" "$(field peak_rss_mb)" "$result"
  [ "$result" = ok ] || tail -n 30 "$logs/$target"
done
exit $failed
