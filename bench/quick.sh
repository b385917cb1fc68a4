#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Compares the server with the floor of the kernel, a Go WebSocket library and
# the npm server, in one run of less than three minutes. Linux, two cores.
#
#   quick.sh                 tables of ratios and budgets
#   quick.sh --profile       CPU and heap profiles of our server, to a new
#                            directory below the system's temporary one
#   quick.sh -other PATH     two builds of cmd/ours in turns: what did a change do?
#   quick.sh ... -rounds 3   all flags go to cmd/quick
set -euo pipefail
cd "$(dirname "$0")"

bin=$PWD/../bin/bench
mkdir -p "$bin"
go build -o "$bin/" ./cmd/...
if [ ! -d node/node_modules ] || [ node/package-lock.json -nt node/node_modules ]; then
	(cd node && ../../scripts/again.sh npm ci --ignore-scripts --silent && touch node_modules)
fi

args=()
for arg in "$@"; do
	case $arg in
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
