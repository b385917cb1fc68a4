#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs a suite N times beside two busy loops, one for each of two cores, and prints
# how each run ended. What depends on the speed of the machine fails here.
#
#   scripts/repeat.sh test-dialogues 20
#   LOAD=4 scripts/repeat.sh test-e2e 5      beside four busy loops
#
# Go caches what its tests found; here they run. The logs of the runs that failed
# stay in tmp/repeat.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=${1:?usage: scripts/repeat.sh SUITE [N]: SUITE is a make target, such as test-dialogues}
n=${2:-20}
load=${LOAD:-2}
logs=tmp/repeat
mkdir -p "$logs"
export GOFLAGS="${GOFLAGS:-} -count=1"

loops=()
trap 'kill "${loops[@]}" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for _ in $(seq "$load"); do
	(while :; do :; done) &
	loops+=($!)
done

failed=0
for i in $(seq "$n"); do
	log=$logs/$suite.$i.log
	start=$SECONDS
	if make -s --no-print-directory "$suite" >"$log" 2>&1; then
		echo "ok   $suite, run $i of $n ($((SECONDS - start)) s)"
		rm "$log"
	else
		echo "FAIL $suite, run $i of $n ($((SECONDS - start)) s): $log"
		grep -m 5 -aE '^ *(FAIL|✖|--- FAIL)' "$log" || tail -n 5 "$log"
		failed=$((failed + 1))
	fi
done
echo "$((n - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
