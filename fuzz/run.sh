#!/usr/bin/env bash
# Fuzzes the targets in turns, keeps count, and makes small what broke.
#
#   fuzz/run.sh [-t SECONDS] [-n ROUNDS] [TARGET...]    rounds over the targets (default: all), each for SECONDS (60) of
#                                                       processor time a round; ROUNDS (1) of 0 goes on for ever.
#                                                       `touch fuzz/logs/stop` ends it within seconds
#   fuzz/run.sh totals                                  what all turns so far come to, from fuzz/logs/turns.tsv
#   fuzz/run.sh minimise TARGET FILE                    the input that breaks TARGET, as small as it gets: FILE.min
#
# Needs a nightly compiler and `cargo install cargo-fuzz --locked`. Seeds and what was learnt stay in fuzz/corpus, inputs
# that broke something in fuzz/artifacts, libFuzzer's words in fuzz/logs. BINARIES names a folder of targets that were built
# before, and nothing is built then. The exit status is 1 if a turn broke something.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
target_dir=${CARGO_TARGET_DIR:-target}
host=$(rustc -vV | sed -n 's/^host: //p')
binaries=${BINARIES:-"$target_dir/$host/release"}
turns=logs/turns.tsv

dictionary() {
  case $1 in
    record | damage | version) echo pe ;;
    events | evtx | lines | lists | url) echo text ;;
    *) echo der ;;
  esac
}

options() {
  echo "-dict=dictionaries/$(dictionary "$1").dict -artifact_prefix=artifacts/$1/ -timeout=120 -rss_limit_mb=2048 -max_len=262144"
}

totals() {
  # start target cpu_s executions edges features inputs octets rss_MiB result; coverage and corpus are those of the last turn
  # that got through its corpus, time and executions are sums, memory the highest.
  awk -F '\t' '
    { if (!($2 in cpu)) order[++count] = $2
      cpu[$2] += $3; executions[$2] += $4; turns[$2]++
      if ($5 > edges[$2]) edges[$2] = $5
      if ($6 > features[$2]) features[$2] = $6
      if ($7 != "") { inputs[$2] = $7; octets[$2] = $8 }
      if ($9 > rss[$2]) rss[$2] = $9
      if ($10 != "ok") broken[$2]++ }
    END {
      print "| target | turns | CPU min | executions | edges | features | inputs kept | octets | MiB | broke |"
      print "|---|---|---|---|---|---|---|---|---|---|"
      for (n = 1; n <= count; n++) { t = order[n]
        printf "| `%s` | %d | %.1f | %d | %d | %d | %d | %d | %d | %d |\n", t, turns[t], cpu[t] / 60, executions[t], edges[t], features[t], inputs[t], octets[t], rss[t], broken[t]
        all_cpu += cpu[t]; all += executions[t]; bad += broken[t]; all_turns += turns[t] }
      printf "| all | %d | %.1f | %d | | | | | | %d |\n", all_turns, all_cpu / 60, all, bad }' "$turns"
}

# libFuzzer on one target until it has used its processor time (other programs on the machine take none of it away), or until
# all is to stop. SIGUSR1 ends it between two executions. Its -timeout is of the wall clock: generous, because a
# machine may be busy; `mass` measures the time of single verdicts.
fuzz() {
  local pid fields ticks=$(($(getconf CLK_TCK) * seconds))
  # shellcheck disable=SC2046 # options are words
  "$binaries/$1" "corpus/$1" $(options "$1") -print_final_stats=1 >"$2" 2>&1 &
  pid=$!
  while kill -0 $pid 2>/dev/null && read -r fields <"/proc/$pid/stat"; do
    # shellcheck disable=SC2086 # fields are words; the name before them has no blanks
    set -- $fields
    if [ $((${14} + ${15})) -ge $ticks ] || [ -e logs/stop ]; then kill -USR1 $pid 2>/dev/null || true; fi
    sleep 1
  done
  wait $pid
}

# One turn: libFuzzer on one target, and a line in turns.tsv.
turn() {
  local target=$1 log result=ok time
  log="logs/$target.log"
  mkdir -p "corpus/$target" "artifacts/$target" logs
  TIMEFORMAT='%U %S'
  time=$({ time fuzz "$target" "$log.now"; } 2>&1) || result=FAILED
  local stat last
  stat() { sed -n "s/^stat::$1: *//p" "$log.now" | tail -n 1; }
  last=$(grep -aE '^#[0-9]+.* cov: ' "$log.now" | tail -n 1 || true)
  word() { sed -n "s/.* $1: \([^ ]*\).*/\1/p" <<<"$last"; }
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$target" \
    "$(awk '{ printf "%.1f", $1 + $2 }' <<<"$time")" "$(stat number_of_executed_units)" "$(word cov)" "$(word ft)" \
    "$(find "corpus/$target" -type f | wc -l)" "$(find "corpus/$target" -type f -printf '%s\n' | awk '{ s += $1 } END { print s + 0 }')" \
    "$(stat peak_rss_mb)" "$result" | tee -a "$turns"
  cat "$log.now" >>"$log"
  if [ "$result" != ok ]; then
    tail -n 30 "$log.now"
    failed=1
  fi
  rm -f "$log.now"
}

if [ "${1:-}" = totals ]; then
  totals
  exit
fi
if [ "${1:-}" = minimise ]; then
  target=$2 file=$3
  # shellcheck disable=SC2046
  "$binaries/$target" $(options "$target") -minimize_crash=1 -max_total_time=60 -exact_artifact_path="$file.min" "$file" \
    >"$file.log" 2>&1 || true
  ls -l "$file" "$file.min"
  exit
fi

seconds=60 rounds=1
while getopts t:n: option; do
  case $option in
    t) seconds=$OPTARG ;;
    n) rounds=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <(cargo +nightly fuzz list)
fi
[ -n "${BINARIES:-}" ] || cargo +nightly fuzz build -O --target-dir "$target_dir"
"$binaries/seeds" corpus
failed=0
mkdir -p logs
rm -f logs/stop
for ((round = 0; rounds == 0 || round < rounds; round++)); do
  for target in "${targets[@]}"; do
    [ ! -e logs/stop ] || break 2
    turn "$target"
  done
done
totals
exit $failed
