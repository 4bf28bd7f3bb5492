#!/usr/bin/env bash
# Checks the Sigma rules and converts each to the languages of the SIEMs. Ends with 77 and a reason where sigma-cli
# cannot be had. Every rule must give a query, and no query may be empty.
#
#   detections/check.sh [FOLDER]   FOLDER keeps the installed tools between runs
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
readonly skip=77
tools=${1:-}
if [ -z "$tools" ]; then
  tools=$(mktemp -d)
  trap 'rm -rf "$tools"' EXIT
fi
# pySigma's grammar does not work with pyparsing 3.3.
packages=(sigma-cli==1.0.6 'pyparsing<3.3' pysigma-backend-splunk==1.1.3 pysigma-backend-elasticsearch==1.1.6
  pysigma-backend-kusto==0.4.5 pysigma-backend-crowdstrike==2.0.1 pysigma-backend-qradar-aql==0.3.2
  pysigma-pipeline-windows==1.2.0)
sigma=$tools/bin/sigma
if [ ! -x "$sigma" ]; then
  if ! python3 -m venv "$tools" >/dev/null 2>&1; then
    echo 'note: no Python with venv here; the Sigma rules were not checked'
    exit $skip
  fi
  if ! "$tools/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}"; then
    echo 'note: sigma-cli cannot be fetched here; the Sigma rules were not checked'
    exit $skip
  fi
fi

"$sigma" check --fail-on-error --fail-on-issues sigma

count=0
convert() { # convert RULE TARGET OPTION...
  local rule=$1 query
  shift
  query=$("$sigma" convert -t "$@" "$rule" 2>/dev/null) || { echo "$rule gives no query for $1"; exit 1; }
  [ -n "${query//[[:space:]]/}" ] || { echo "$rule gives an empty query for $1"; exit 1; }
  count=$((count + 1))
}
for rule in sigma/windows_*.yml; do
  convert "$rule" splunk -p splunk_windows
  convert "$rule" lucene -p ecs_windows
  convert "$rule" esql -p ecs_windows --disable-pipeline-check
done
for rule in sigma/sigscan_*.yml; do
  for target in splunk lucene esql log_scale; do
    convert "$rule" "$target" --without-pipeline
  done
done
echo "$(ls sigma/*.yml | wc -l) rules, $count queries"
