#!/usr/bin/env bash
# Installs what FOLDER/package-lock.json names into FOLDER/.scratch, unless it is
# there: tools/npm.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/../$1"
for tool in node npm; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed: $1 needs Node.js 18 or later with npm" >&2; exit 1; }
done
if ! cmp -s package-lock.json .scratch/installed; then
  rm -rf .scratch
  mkdir .scratch
  cp package.json package-lock.json .npmrc .scratch
  (cd .scratch && npm ci --no-progress)
  cp package-lock.json .scratch/installed # last: an install that was cut short is made again
fi
