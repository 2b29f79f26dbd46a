#!/usr/bin/env bash
# Compares the exported API with that of the last release: of the last tag v*, or, as
# long as there is none, with tools/api.baseline. A name that was removed or changed
# fails, unless the changelog has an entry "To follow" for it: one in the sections above
# that of the last tag, or in the first section if there is no tag.
#
#   tools/apidiff.sh          compares
#   tools/apidiff.sh -write   writes tools/api.baseline
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
module=$(go list -m)
# Export data has positions: without the paths of this machine.
export GOFLAGS="${GOFLAGS:-} -trimpath"

apidiff() {
  go tool -modfile="$root/tools/apidiff.mod" apidiff "$@" 2> >(grep -v '^Ignoring internal package ' >&2)
}

if [ "${1:-}" = -write ]; then
  apidiff -m -w tools/api.baseline "$module"
  exit
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
old=tools/api.baseline
if last=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null); then
  old=$scratch/api
  mkdir "$scratch/tree"
  git archive "$last" | tar -x -C "$scratch/tree"
  (cd "$scratch/tree" && apidiff -m -w "$old" "$module")
else
  last=
fi

changes=$(apidiff -m -incompatible "$old" "$module")
# Nobody imports a program, and the version's number is meant to change.
changes=$(grep -vE '^- (\./(cmd|examples|interop)[/.]|package [^ ]*/(cmd|examples|interop)/|Version: value changed)' <<<"$changes" || true)
if [ -z "$changes" ]; then
  echo "the exported API has no incompatible change since ${last:-tools/api.baseline}"
  exit
fi
echo "incompatible changes of the exported API since ${last:-tools/api.baseline}:"
echo "$changes"
if awk -v last="$last" '/^## / { if (last == "" ? sections++ : index($0, last)) exit } { print }' CHANGELOG.md | grep -q '^- To follow: '; then
  echo 'CHANGELOG.md says how to follow ("To follow").'
  exit
fi
echo 'CHANGELOG.md must say how to follow: add an entry "- To follow: …" under Unreleased.' >&2
exit 1
