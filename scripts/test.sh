#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Sets up and runs everything, also after a failure, and prints the total of all
# suites as the last line: "N passed, N failed".
#
#   scripts/test.sh             what CI runs: each suite, some in a short form
#   scripts/test.sh --nightly   the long forms, and what only these have
#   SUITES="lint test-go" scripts/test.sh    some suites, without the setup
#
# Suites run side by side, because most of them wait more than they compute. Each
# has a weight, and the weights of those that run are at most SLOTS: three for each
# core. They start in the order of the list, as soon as they fit: suites that compute
# stand beside suites that mostly wait.
#
# A suite that passes is one line, with its time and the CPU time of all of its
# processes; the whole log of one that fails follows its line, and its end is printed
# again after the summary.
# If none ends for LIMIT seconds, 2700, those that still run are ended, and fail.
# All logs stay in tmp/test.
set -euo pipefail
cd "$(dirname "$0")/.."

# Weight, make target. The long ones first; what measures comes last, nightly alone.
short="
2 test-go
2 lint
1 test-tables
1 test-proxies
1 test-conformance
1 test-clients-rust
2 test-matrix
2 test-e2e
2 test-delivery
2 test-delivery-nodes
1 test-client
1 test-dialogues
1 test-restarts
1 test-nosticky
2 test-cluster
1 test-feed
1 test-clients-java
1 test-clients-python
1 test-api
2 test-hostile
1 fuzz-short
1 test-frameworks
1 test-diff
1 test-module
2 test-budgets
2 bench-short
"
nightly="
4 test-repeated
3 test-go-all
2 test-matrix-all
1 test-clients-rust
1 test-clients-java
1 test-clients-python
2 test-conformance-all
2 lint-all
1 test-proxies
2 test-e2e
1 test-dialogues
1 test-restarts
1 test-nosticky-all
2 test-cluster-all
2 test-valkey
1 test-feed
2 test-delivery
2 test-delivery-nodes
1 test-client
2 test-frameworks
1 test-diff
1 test-module
1 test-api
1 test-budgets
2 test-rename
2 test-hostile-all
9 fuzz
9 soak
9 hostile
9 bench-quick
9 bench-cluster
"
# Suites whose exit status says all: they count no tests.
uncounted=" setup bench-short bench-quick bench-cluster "
command -v valkey-server valkey-check-rdb >/dev/null || uncounted+="test-valkey " # it says so
[ "$(uname)" = Linux ] || uncounted+="test-hostile test-hostile-all "

list=$short
if [ "${1:-}" = --nightly ]; then
	list=$nightly
else
	export SHORT=1 # for the suites that have both forms under one name
fi
if [ -n "${SUITES:-}" ]; then
	list=$(awk -v only=" $SUITES " 'index(only, " " $2 " ")' <<<"$list")
fi
limit=${LIMIT:-2700}
cores=$(getconf _NPROCESSORS_ONLN)
slots=${SLOTS:-$((cores * 3))}

logs=tmp/test
rm -rf "$logs"
mkdir -p "$logs"
passed=0
failed=0
cpu=0

# counted prints the sums that a log holds: "N passed, N failed", or the "pass N"
# and "fail N" lines of Node's runner.
counted() {
	sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
		/^[0-9]+ passed, [0-9]+ failed$/      { p += $1; f += $3 }
		/^(#|ℹ) pass [0-9]+$/                 { p += $3 }
		/^(#|ℹ) (fail|cancelled) [0-9]+$/     { f += $3 }
		END                                   { print p + 0, f + 0 }'
}

# spent NAME prints the CPU seconds of a suite, user and system, as "times" wrote them.
spent() {
	[ -s "$logs/$1.cpu" ] || { echo 0; return; } # it was ended
	awk 'NR == 2 { gsub(/[ms]/, " "); print int($1 * 60 + $2 + $3 * 60 + $4 + 0.5) }' "$logs/$1.cpu"
}

# ended NAME STATUS SECONDS adds a suite to the sums and prints its line. A suite
# that fails without a count is one failure, and so is one that ran no test.
ended() {
	local name=$1 status=$2 seconds=$3 p f s mark=ok
	read -r p f < <(counted "$logs/$name.log")
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
	if [ $((p + f)) -eq 0 ]; then
		case $uncounted in
		*" $name "*) p=1 ;;
		*)
			f=1
			echo "$name ran no test" >>"$logs/$name.log"
			;;
		esac
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	s=$(spent "$name")
	cpu=$((cpu + s))
	[ "$f" -eq 0 ] || mark=FAIL
	printf '%-4s %-20s%6d passed %4d failed %6d s %6d s CPU\n' $mark "$name" "$p" "$f" "$seconds" "$s" | tee "$logs/$name.sum"
	if [ "$f" -gt 0 ]; then
		echo "---- the log of $name"
		cat "$logs/$name.log"
		echo "---- end of the log of $name"
	fi
}

# verdict NAME prints the failures that a log names, and its end, in short: whoever has
# only the end of the output sees why a suite has failed.
verdict() {
	echo "---- why $1 has failed"
	sed 's/\x1b\[[0-9;]*m//g' "$logs/$1.log" | cut -c 1-300 | awk '
		{ lines[NR] = $0 }
		/^ *(--- FAIL|not ok |✖ |again: |FAIL )/ && named++ < 15 { keep[NR] = 1 }
		END { for (i = 1; i <= NR; i++) if (i in keep || i > NR - 15) print "> " lines[i] }'
}

# begin NAME COMMAND... runs a suite in the background, in a process group of its
# own, and says when it has ended.
begin() {
	local name=$1
	shift
	(
		status=0
		"$@" >"$logs/$name.log" 2>&1 </dev/null 3>&- || status=1
		times >"$logs/$name.cpu"
		echo "$name $status" >&3
	) &
	groups+=($!)
}

# With -m each suite has a process group, which ends with this script.
groups=()
stop() {
	local group
	for group in ${groups[@]+"${groups[@]}"}; do kill -- "-$group" 2>/dev/null || true; done
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
set -m
mkfifo "$logs/ends"
exec 3<>"$logs/ends"
rm "$logs/ends"

names=()
if [ -z "${SUITES:-}" ]; then
	start=$SECONDS
	names+=(setup)
	begin setup scripts/setup.sh
	read -r -t "$limit" name status <&3 || { stop; status=1 name=setup; }
	ended "$name" "$status" $((SECONDS - start))
	[ "$status" -ne 0 ] || export BUILT=1 # the programs of make programs are up to date
fi

# Parallel lists: what waits for its turn.
weights=()
waiting=()
while read -r weight name; do
	[ -n "$name" ] || continue
	[ "$weight" -le "$slots" ] || weight=$slots
	weights+=("$weight")
	waiting+=("$name")
	names+=("$name")
done <<<"$list"
[ ${#waiting[@]} -gt 0 ] || { echo "no suite is named ${SUITES:-}" >&2; exit 1; }

next=0
used=0
running=" "
total=${#waiting[@]}
done=0
while [ $done -lt "$total" ]; do
	while [ $next -lt "$total" ] && [ $((used + weights[next])) -le "$slots" ]; do
		name=${waiting[next]}
		used=$((used + weights[next]))
		running+="$name:${weights[next]}:$SECONDS "
		begin "$name" make -s --no-print-directory "$name"
		next=$((next + 1))
	done
	if ! read -r -t "$limit" name status <&3; then
		stop
		for entry in $running; do
			echo "${entry%%:*} has not ended" >>"$logs/${entry%%:*}.log"
			echo "${entry%%:*} 1" >&3
		done
		continue
	fi
	entry=${running##* "$name:"}
	entry=${entry%% *}
	running=${running/" $name:$entry "/" "}
	used=$((used - ${entry%%:*}))
	done=$((done + 1))
	ended "$name" "$status" $((SECONDS - ${entry##*:}))
done

groups=()
echo "== summary, in $SECONDS s, with $cpu s of CPU time on $cores cores"
for name in "${names[@]}"; do cat "$logs/$name.sum"; done
for name in "${names[@]}"; do
	if grep -q '^FAIL' "$logs/$name.sum"; then verdict "$name"; fi
done
echo "$passed passed, $failed failed" | tee "$logs/total"
[ "$failed" -eq 0 ]
