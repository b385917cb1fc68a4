#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs every fuzz target of the module for FUZZTIME each. A finding stays as a
# file under testdata/fuzz of its package.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/check.sh

# "go test -list" prints the targets of a package, then a line with its name.
targets=$(go test -list '^Fuzz' ./... | awk '
	/^Fuzz/ { names[++n] = $1 }
	/^ok/   { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }')

# The fuzzing engine sometimes reports its own end of time as a failure, on busy
# machines: "context deadline exceeded" and no input. That is no finding and is
# tried again; anything else fails at once.
fuzz() {
	local package=$1 name=$2 try log
	log=$(mktemp)
	for try in 1 2 3; do
		if go test -run '^$' -fuzz "^$name\$" -fuzztime "$FUZZTIME" "$package" >"$log" 2>&1; then
			rm -f "$log"
			return 0
		fi
		if grep -q 'Failing input written' "$log" || ! grep -q '^ *context deadline exceeded' "$log"; then break; fi
	done
	cat "$log"
	rm -f "$log"
	return 1
}

while read -r package name; do
	[ -n "$name" ] || continue
	# Compares value by value with encoding/json, whose corners it still finds one
	# by one: for the long run.
	if [ "$name" = FuzzAsEncodingJSON ] && [ -n "${FUZZSHORT:-}" ]; then continue; fi
	check "$package $name for $FUZZTIME" fuzz "$package" "$name"
done <<<"$targets"
checked
