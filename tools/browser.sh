#!/usr/bin/env bash
# Installs a browser and axe-core, unless they are there, and runs the browser
# tests of the web application. Pictures of every page stay in
# examples/webapp/_artifacts.
set -euo pipefail
cd "$(dirname "$0")/../examples/webapp"
command -v npm >/dev/null || { echo "npm is not installed: the browser tests need it for axe-core" >&2; exit 1; }
if ! command -v chromium >/dev/null; then
  echo "Installing chromium"
  apt-get update && apt-get install -y --no-install-recommends chromium
fi
if ! cmp -s package-lock.json .scratch/installed; then
  rm -rf .scratch
  mkdir .scratch
  cp package.json package-lock.json .npmrc .scratch
  (cd .scratch && npm ci --no-progress)
  cp package-lock.json .scratch/installed # last: an install that was cut short is made again
fi
rm -rf _artifacts
ROQ_BROWSER=required go test -count=1 -v -artifacts -run Browser ./...
