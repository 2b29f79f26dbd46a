#!/usr/bin/env bash
# Runs every fuzz target for the given time; a failing input is kept under
# testdata/fuzz, to be checked in with its fix. Without -race: it would spend the
# time on the corpus alone.
set -euo pipefail
cd "$(dirname "$0")/.."
for package in $(go list ./...); do
  for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
    echo "$target of $package for $1"
    # go test takes one target a run; making inputs small would take most of the time.
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 100x "$package"
  done
done
