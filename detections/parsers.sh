#!/usr/bin/env bash
# Reads the queries with parsers of their languages. A parser that cannot be had is named and left out; ends with 77 if
# none can. Splunk's and Kibana's languages have no parser outside of these products, Ariel's none at all;
# tests/detections.rs reads the queries of all of them.
#
#   detections/parsers.sh [FOLDER]   FOLDER keeps the installed tools between runs
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
readonly skip=77
tools=${1:-}
if [ -z "$tools" ]; then
  tools=$(mktemp -d)
  trap 'rm -rf "$tools"' EXIT
fi
mkdir -p "$tools"
read=0 failed=0

queries() { # queries LANGUAGE FILE...: reads them in the environment that has the parser
  local language=$1
  shift
  if "$tools/bin/python" parse.py "$language" "$@"; then
    echo "$language: $# queries"
    read=$((read + $#))
  else
    failed=1
  fi
}

install() { # install WHAT PACKAGE...
  local what=$1
  shift
  "$tools/bin/pip" install --quiet --disable-pip-version-check "$@" 2>"$tools/log" || {
    echo "note: no parser for $what: $(tail -n 1 "$tools/log")"
    return 1
  }
}

if [ -x "$tools/bin/python" ] || python3 -m venv "$tools" >/dev/null 2>&1; then
  if install 'ES|QL' esql-parser==9.1.3; then queries esql elastic/*.esql; fi
  if install 'AQL as SQL' sqlglot==30.30.0; then queries aql qradar/*.aql; fi
  # The grammar is C that a compiler makes into a library at first use; the package asks for a newer Python than it needs.
  if ! command -v cc >/dev/null; then
    echo 'note: no parser for LogScale: no C compiler'
  elif install LogScale tree-sitter==0.26.1 &&
    install LogScale --ignore-requires-python --no-deps logscale-tools==0.1.8; then
    queries cql logscale/*.cql
  fi
else
  echo 'note: no Python with venv here'
fi

if ! command -v npm >/dev/null; then
  echo 'note: no parser for Kusto: no npm'
elif ! npm install --silent --no-audit --no-fund --prefix "$tools" @kusto/language-service-next@12.4.1 >"$tools/log" 2>&1; then
  echo 'note: no parser for Kusto: npm cannot fetch it'
elif NODE_PATH=$tools/node_modules node kusto.js sentinel/tables.json sentinel/*.kql; then
  count=$(ls sentinel/*.kql | wc -l)
  echo "kusto: $count queries"
  read=$((read + count))
else
  failed=1
fi

[ "$failed" -eq 0 ] || exit 1
if [ "$read" -eq 0 ]; then
  echo 'note: no parser can be had here; the queries were not parsed'
  exit $skip
fi
echo "$read queries"
