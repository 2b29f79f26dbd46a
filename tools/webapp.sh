#!/usr/bin/env bash
# Starts roqdev, and the web application with what roqdev prints for it. Ctrl-C
# ends both.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'kill ${app:-} ${dev:-} 2>/dev/null || true; rm -rf "$dir"' EXIT
go build -o "$dir/roqdev" ./cmd/roqdev
(cd examples/webapp && go build -o "$dir/webapp" .)
"$dir/roqdev" >"$dir/printed" &
dev=$!
until grep -q '/api/auth/login' "$dir/printed"; do
  kill -0 "$dev" 2>/dev/null || exit 1
  sleep 0.1
done
# shellcheck disable=SC1090 # its lines are exports
source <(grep 'export ' "$dir/printed")
"$dir/webapp" "$@" &
app=$!
cat <<END
The inbox is at $ROQ_PLATFORM_URL. One click signs you in as Ann of Acme:

  http://127.0.0.1:8080/api/auth/login?user=ann@acme.example&postLoginRedirect=/invitations/

END
wait "$app"
