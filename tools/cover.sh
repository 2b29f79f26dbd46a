#!/usr/bin/env bash
# Prints the statement coverage of the root package and internal/, and fails
# below the given per cent.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=$(mktemp)
trap 'rm -f "$profile"' EXIT
packages=$(go list . ./internal/... | paste -sd, -)
go test -coverpkg="$packages" -coverprofile="$profile" . ./internal/... ./roqtest/...
total=$(go tool cover -func="$profile" | awk '$1 == "total:" { sub("%", "", $3); print $3 }')
echo "statement coverage of the root package and internal/: $total % (at least $1 %)"
awk -v got="$total" -v want="$1" 'BEGIN { exit !(got >= want) }'
