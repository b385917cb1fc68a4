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

while read -r package name; do
	[ -n "$name" ] || continue
	check "$package $name for $FUZZTIME" \
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$FUZZTIME" "$package"
done <<<"$targets"
checked
