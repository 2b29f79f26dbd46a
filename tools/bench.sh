#!/usr/bin/env bash
# Installs @roq/nodejs into bench/.scratch, unless it is there, and measures the
# clients. Arguments are bench's own: see go run . -h in bench.
set -euo pipefail
cd "$(dirname "$0")/../bench"
for tool in node npm; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed: the comparison needs Node.js 18 or later with npm (or go run . -nodejs=false in bench)" >&2; exit 1; }
done
if ! cmp -s package-lock.json .scratch/installed; then
  rm -rf .scratch
  mkdir .scratch
  cp package.json package-lock.json .npmrc .scratch
  (cd .scratch && npm ci --no-progress)
  cp package-lock.json .scratch/installed # last: an install that was cut short is made again
fi
go run . "$@"
