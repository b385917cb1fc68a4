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

# At the end of -test.fuzztime the engine may report that as a failure, "context
# deadline exceeded", on a busy machine; an interrupt it never does. So a time, which
# counts from the first line of the engine on, ends by an interrupt, and every failure
# is one.
# Minimizing is bounded by runs: by time, the default, it takes the whole budget
# of a target whose inputs are slow to shrink.
fuzz() {
	local program=$1 dir=$2 package=$3 name=$4 log pid count=()
	case $FUZZTIME in *x) count=(-test.fuzztime "$FUZZTIME") ;; esac
	log=$(mktemp "$bins/log.XXXXXX")
	(cd "$dir" && exec "$program" -test.run '^$' -test.fuzz "^$name\$" ${count[@]+"${count[@]}"} \
		-test.fuzzminimizetime 200x -test.parallel 1 -test.fuzzcachedir "$cache/$package") >"$log" 2>&1 &
	pid=$!
	if [ ${#count[@]} -eq 0 ]; then
		until grep -q '^fuzz: elapsed' "$log" || ! kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
		timeout "$FUZZTIME" tail --pid="$pid" -f /dev/null || kill -INT "$pid"
	fi
	# Of a target that is not there, nothing fails.
	if wait "$pid" && grep -q '^fuzz: elapsed' "$log"; then return 0; fi
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
