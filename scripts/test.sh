#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Sets up and runs everything, also after a failure, and prints the sum of all
# suites as the last line: "N passed, N failed". Logs stay in tmp/test.
set -euo pipefail
cd "$(dirname "$0")/.."

logs=tmp/test
rm -rf "$logs"
mkdir -p "$logs"
passed=0
failed=0
summary=()

# add adds the sums a log holds: "N passed, N failed", or the "pass N" and
# "fail N" lines of Node's runner. A suite that fails without a count of it
# counts as one failure, one that succeeds without a count as one pass.
add() {
	local name=$1 status=$2 seconds=$3 p f
	read -r p f < <(sed 's/\x1b\[[0-9;]*m//g' "$logs/$name.log" | awk '
		/^[0-9]+ passed, [0-9]+ failed$/      { p += $1; f += $3 }
		/^(#|ℹ) pass [0-9]+$/                 { p += $3 }
		/^(#|ℹ) (fail|cancelled) [0-9]+$/     { f += $3 }
		END                                   { print p + 0, f + 0 }')
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
	if [ "$status" -eq 0 ] && [ $((p + f)) -eq 0 ]; then p=1; fi
	passed=$((passed + p))
	failed=$((failed + f))
	summary+=("$(printf '%-18s%6d passed %4d failed %6d s' "$name" "$p" "$f" "$seconds")")
}

suite() {
	local name=$1 status=0 start=$SECONDS
	shift
	echo "== $name"
	"$@" 2>&1 | tee "$logs/$name.log" || status=1
	add "$name" "$status" $((SECONDS - start))
}

# targets runs make targets one after the other.
targets() {
	local target
	for target in "$@"; do
		suite "$target" make -s --no-print-directory "$target"
	done
}

# together runs lists of make targets side by side, each list in its order, and
# prints what they said when all have ended. It is for suites that wait more than
# they work.
together() {
	local list target
	for list in "$@"; do
		for target in $list; do
			local status=0 start=$SECONDS
			make -s --no-print-directory "$target" >"$logs/$target.log" 2>&1 || status=1
			echo "$status $((SECONDS - start))" >"$logs/$target.end"
		done &
	done
	wait
	for target in $*; do
		local status=1 seconds=0
		echo "== $target"
		cat "$logs/$target.log" || true
		read -r status seconds <"$logs/$target.end" || true
		add "$target" "$status" "$seconds"
	done
}

suite setup scripts/setup.sh
targets lint test-api test-go test-module test-client
together test-matrix test-clients
together "test-conformance test-dialogues" test-proxies
targets test-frameworks test-diff test-e2e fuzz-short bench-short

echo "== summary"
printf '%s\n' "${summary[@]}"
echo "$passed passed, $failed failed" | tee "$logs/total"
[ "$failed" -eq 0 ]
