#!/usr/bin/env bash
# Installs @roq/nodejs and measures the clients. Arguments are bench's own: see
# go run . -h in bench; without Node.js, go run . -nodejs=false there.
set -euo pipefail
cd "$(dirname "$0")/../bench"
../tools/npm.sh bench
go run . "$@"
