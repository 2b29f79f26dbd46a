#!/usr/bin/env bash
# Installs ROQ's own clients into interop/.scratch, unless they are there, and
# runs them beside this one.
set -euo pipefail
cd "$(dirname "$0")/../interop"
for tool in node npm; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed: the interop tests need Node.js 18 or later with npm" >&2; exit 1; }
done
if ! cmp -s package-lock.json .scratch/installed; then
  rm -rf .scratch
  mkdir .scratch
  cp package.json package-lock.json .npmrc .scratch
  (cd .scratch && npm ci --no-progress)
  cp package-lock.json .scratch/installed # last: an install that was cut short is made again
fi
ROQ_INTEROP=required go test -count=1 -v ./...
