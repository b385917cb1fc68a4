# SPDX-License-Identifier: MIT
#
# Sourced by the other scripts: runs named checks and counts them.

passed=0
failed=0

# check NAME COMMAND... runs the command and prints one line; the command's
# output follows only if it failed.
check() {
	local name=$1 output start=$SECONDS
	shift
	if output=$("$@" 2>&1); then
		echo "ok   $name ($((SECONDS - start)) s)"
		passed=$((passed + 1))
	else
		printf 'FAIL %s\n%s\n' "$name" "$output"
		failed=$((failed + 1))
	fi
}

# checked prints the sum and fails if a check did.
checked() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}
