#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The TypeScript client: types, tests, and that the committed dist/ and types/
# are what the build makes of src/.
set -euo pipefail
cd "$(dirname "$0")/../web/client"
. ../../scripts/check.sh

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
cp -R dist types "$before"

check "the types of the client" npm run --silent typecheck
check "the build of the client" npm run --silent build
check "dist/ is what the build makes" diff -rq "$before/dist" dist
check "the build of the types" npm run --silent types
check "types/ is what the build makes" diff -rq "$before/types" types
status=0
checked || status=1
# Side by side, since both mostly wait: all tests, and those against a server also against our own.
[ -n "${BUILT:-}" ] && [ -x ../../bin/clientserver ] || go build -C ../.. -race -o bin/clientserver ./web/client/test/goserver
SERVER_CMD="$PWD/../../bin/clientserver" npm test --silent -- scenarios link >"$before/ours.log" 2>&1 &
ours=$!
npm test --silent || status=1
wait "$ours" || status=1
cat "$before/ours.log"
exit "$status"
