#!/usr/bin/env bash
# Installs a browser, axe-core and ROQ's own React components, unless they are there, and
# runs the browser tests.
# Pictures of every page stay in browser/_artifacts.
set -euo pipefail
cd "$(dirname "$0")/../browser"
../tools/npm.sh browser
if ! command -v chromium >/dev/null; then
  echo "Installing chromium"
  apt-get update && apt-get install -y --no-install-recommends chromium
fi
rm -rf _artifacts
ROQ_BROWSER=required go test -count=1 -v -artifacts -run Browser ./...
