#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The tests that say less with the race detector, without it: what an event may
# allocate, how slow a client may be. And how many locks an event takes, which a
# build tag counts.
set -euo pipefail
cd "$(dirname "$0")/.."

# bounded prints the tests of a folder that ask whether the race detector is on.
bounded() {
	grep -l '\braceEnabled\b' "$1"/*_test.go | xargs awk '
		/^func / { name = $2; sub(/\(.*/, "", name) }
		/raceEnabled/ && name ~ /^Test/ { print name }' | sort -u
}

status=0
for dir in . engineio; do
	tests=$(bounded "$dir" | paste -sd '|')
	[ -n "$tests" ] || { echo "FAIL no test in $dir asks for raceEnabled"; status=1; continue; }
	go test -vet=off -json -run "^($tests)\$" "./$dir" 2>&1 | bin/tally || status=1
done
go test -vet=off -json -tags lockcount -run '^TestLocks' . 2>&1 | bin/tally || status=1
exit $status
