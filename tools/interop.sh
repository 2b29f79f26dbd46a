#!/usr/bin/env bash
# Installs ROQ's own clients and runs them beside this one.
set -euo pipefail
cd "$(dirname "$0")/../interop"
../tools/npm.sh interop
ROQ_INTEROP=required go test -count=1 -v ./...
