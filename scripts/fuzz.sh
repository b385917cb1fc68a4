#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs every fuzz target for FUZZTIME each, two at a time, each on one core. A
# finding stays as a file under testdata/fuzz of its package.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/check.sh

# "go test -list" prints the targets of a package, then a line with its name.
# targets prints folder, package and target of a module.
targets() {
	GOWORK=off go -C "$1" test -list '^Fuzz' ./... | awk -v dir="$1" '
		/^Fuzz/ { names[++n] = $1 }
		/^ok/   { for (i = 1; i <= n; i++) print dir, $2, names[i]; n = 0 }'
}
all=$(targets . && targets internal/difftest)

# The fuzzing engine sometimes reports its own end of time as a failure, on busy
# machines: "context deadline exceeded" and no input. That is no finding and is
# tried again; anything else fails at once.
# Minimizing is bounded by runs: by time, the default, it takes the whole budget
# of a target whose inputs are slow to shrink.
fuzz() {
	local dir=$1 package=$2 name=$3 try log
	log=$(mktemp)
	for try in 1 2 3 4 5 6; do
		if GOWORK=off go -C "$dir" test -run '^$' -fuzz "^$name\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 200x -parallel 1 "$package" >"$log" 2>&1; then
			rm -f "$log"
			return 0
		fi
		if grep -q 'Failing input written' "$log" || ! grep -q '^ *context deadline exceeded' "$log"; then break; fi
	done
	cat "$log"
	rm -f "$log"
	return 1
}

# lane runs every second target, from the first or from the second on.
lane() {
	local n=0 dir package name
	while read -r dir package name; do
		[ -n "$name" ] || continue
		if [ "$name" = FuzzNothing ]; then continue; fi # a test of leakcheck
		# Compares value by value with encoding/json, whose corners it still finds
		# one by one: for the long run.
		if [ "$name" = FuzzAsEncodingJSON ] && [ -n "${FUZZSHORT:-}" ]; then continue; fi
		if [ $((n++ % 2)) -eq "$1" ]; then check "$package $name for $FUZZTIME" fuzz "$dir" "$package" "$name"; fi
	done <<<"$all"
	checked
}

status=0
lane 0 &
lane 1 || status=1
wait $! || status=1
exit $status
