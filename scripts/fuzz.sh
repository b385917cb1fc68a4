#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs every fuzz target for FUZZTIME each, two at a time, each on one core. A
# finding stays as a file under testdata/fuzz of its package. With FUZZSHORT=1 the
# programs are not instrumented, which would compile every package once more: inputs
# are changed without looking at what they reach.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/check.sh

bins=$(mktemp -d)
trap 'rm -rf "$bins"' EXIT
cache=$(go env GOCACHE)/fuzz
instrumented=-fuzz=.
[ -z "${FUZZSHORT:-}" ] || instrumented=

# targets MODULE prints program, folder, package and name of each target of a
# module. A package is built once for all of its targets.
targets() {
	local dir package program name
	while read -r dir; do
		package=$(GOWORK=off go -C "$dir" list .)
		program=$bins/${package//\//-}
		# shellcheck disable=SC2086
		GOWORK=off go -C "$dir" test -c $instrumented "-ldflags=-s -w" -o "$program" . >&2
		for name in $("$program" -test.list '^Fuzz'); do
			if [ "$name" = FuzzNothing ]; then continue; fi # a test of leakcheck
			# Compares value by value with encoding/json, whose corners it still finds
			# one by one: for the long run.
			if [ "$name" = FuzzAsEncodingJSON ] && [ -n "${FUZZSHORT:-}" ]; then continue; fi
			echo "$program $PWD/$dir $package $name"
		done
	done < <(git ls-files --cached --others --exclude-standard '*_test.go' | xargs grep -l '^func Fuzz' | xargs -n 1 dirname | sort -u)
}
all=$(targets)

# The fuzzing engine sometimes reports its own end of time as a failure, on busy
# machines: "context deadline exceeded" and no input. That is not a finding, and it
# is run again; anything else fails at once.
# Minimizing is bounded by runs: by time, the default, it takes the whole budget
# of a target whose inputs are slow to shrink.
fuzz() {
	local program=$1 dir=$2 package=$3 name=$4 try log
	log=$(mktemp "$bins/log.XXXXXX")
	for try in 1 2 3 4 5 6; do
		if (cd "$dir" && "$program" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$FUZZTIME" \
			-test.fuzzminimizetime 200x -test.parallel 1 -test.fuzzcachedir "$cache/$package") >"$log" 2>&1; then
			# Of a target that is not there, nothing fails.
			grep -q '^fuzz: elapsed' "$log" && return 0
			break
		fi
		if grep -q 'Failing input written' "$log" || ! grep -q '^ *context deadline exceeded' "$log"; then break; fi
	done
	cat "$log"
	return 1
}

# lane runs every second target, from the first or from the second on.
lane() {
	local n=0 program dir package name
	while read -r program dir package name; do
		[ -n "$name" ] || continue
		if [ $((n++ % 2)) -eq "$1" ]; then check "$package $name for $FUZZTIME" fuzz "$program" "$dir" "$package" "$name"; fi
	done <<<"$all"
	checked
}

status=0
lane 0 &
lane 1 || status=1
wait $! || status=1
exit $status
