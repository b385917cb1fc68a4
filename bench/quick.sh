#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Compares the server with the floor of the kernel, a Go WebSocket library and
# the npm server, in one run of less than three minutes. Linux, two cores.
#
#   quick.sh                 tables of ratios and budgets
#   quick.sh --profile       CPU and heap profiles of our server, to a new
#                            directory below the system's temporary one
#   quick.sh -rows poll      one row alone
#   quick.sh -other PATH     two builds of cmd/ours in turns: what did a change do?
#   quick.sh -commit COMMIT  the same, with a build of that commit
#   quick.sh ... -rounds 3   all flags go to cmd/quick
set -euo pipefail
cd "$(dirname "$0")"

bin=$PWD/../bin/bench
mkdir -p "$bin"
go build -o "$bin/" ./cmd/...
if [ ! -d node/node_modules ] || [ node/package-lock.json -nt node/node_modules ]; then
	(cd node && ../../scripts/again.sh npm ci --ignore-scripts --silent && touch node_modules)
fi

# built builds cmd/ours of a commit, with the handlers that the rows of today need, and
# prints where it is.
built() {
	local commit tree
	commit=$(git rev-parse --short "$1^{commit}")
	tree=$(mktemp -d -t bench-commit.XXXXXX)
	git -C .. archive "$commit" | tar -x -C "$tree"
	if ! grep -q '"blob"' "$tree/bench/cmd/ours/main.go"; then
		sed -i 's|^\(\t*\)s\.On("echo".*|&\n\1s.On("blob", func(b []byte) error { return s.Emit("blob", b) })|' "$tree/bench/cmd/ours/main.go"
	fi
	GOWORK=off go -C "$tree/bench" build -o "$bin/ours-$commit" ./cmd/ours
	rm -rf "$tree"
	echo "$bin/ours-$commit"
}

args=()
commit=
for arg in "$@"; do
	if [ "$commit" = next ]; then
		commit=$arg
		other=$(built "$commit")
		args+=(-other "$other")
		continue
	fi
	case $arg in
	-commit | --commit) commit=next ;;
	--profile) args+=(-profile "$(mktemp -d -t bench-profile.XXXXXX)") ;;
	*) args+=("$arg") ;;
	esac
done

# The driver has one core and the servers the other.
driver=1 server=0
if [ "$(nproc)" -lt 2 ]; then
	echo "notice: one core only: driver and servers share it"
	driver=0
fi
GOMAXPROCS=1 exec taskset -c "$driver" "$bin/quick" -bin "$bin" -node "$PWD/node" -core "$server" "${args[@]}"
