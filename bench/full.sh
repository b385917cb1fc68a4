#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Measures every row of the benchmark with every server, in 17 minutes of rounds and some
# of building, prints the tables and writes bin/bench/results.json. Linux, two cores, npm, and Cargo for one server.
# What cannot be built is said, and is a gap in the tables.
#
#   full.sh                           the whole table
#   full.sh -rows 'echo*,ack'         some rows
#   full.sh -servers ours,oxide,floor some servers; others are not built
#   full.sh -rounds 5 -limit 45m      more rounds
#   full.sh -awake                    a driver that never sleeps
#   full.sh -out FILE                 results elsewhere
set -euo pipefail
cd "$(dirname "$0")"

bin=$PWD/../bin/bench
mkdir -p "$bin"
servers=
out=$bin/results.json
args=("$@")
# Paths are those of the caller.
for i in "${!args[@]}"; do
	case ${args[i]} in
	-servers | --servers) servers=${args[i + 1]:-} ;;
	-servers=* | --servers=*) servers=${args[i]#*=} ;;
	-out | --out) out=$(cd "$OLDPWD" && realpath -m -- "${args[i + 1]:-}") && args[i + 1]=$out ;;
	esac
done
wanted() { [ -z "$servers" ] || [[ ",$servers," == *",$1,"* ]]; }
gap() { echo "notice: no $1: $2"; }

go build -o "$bin/" ./cmd/...
if wanted zishang || wanted centrifuge; then
	go -C peers build -o "$bin/" ./cmd/... || gap "zishang and centrifuge" "their modules cannot be had"
fi
# npm_ci DIRECTORY installs what its lock file says, once.
npm_ci() {
	if [ ! -d "$1/node_modules" ] || [ "$1/package-lock.json" -nt "$1/node_modules" ]; then
		(cd "$1" && "$OLDPWD/../scripts/again.sh" npm ci --ignore-scripts --silent && touch node_modules)
	fi
}
if wanted node; then npm_ci node || gap node "its packages cannot be had"; fi
if wanted bun; then npm_ci peers/bun || gap bun "its packages cannot be had"; fi
if wanted oxide; then
	if ! command -v cargo >/dev/null; then
		gap oxide "Cargo is missing"
	elif [ ! -x "$bin/oxide" ] || [ -n "$(find peers/oxide -name '*.rs' -newer "$bin/oxide" -o -name 'Cargo.*' -newer "$bin/oxide")" ]; then
		echo "building oxide, some minutes"
		if CARGO_TARGET_DIR=$bin/cargo ../scripts/again.sh cargo build --quiet --release --locked --manifest-path peers/oxide/Cargo.toml; then
			cp "$bin/cargo/release/oxide" "$bin/oxide.new" && mv "$bin/oxide.new" "$bin/oxide"
		else
			gap oxide "it cannot be built"
		fi
	fi
fi

# The driver has one core and the servers the other.
driver=1 core=0
if [ "$(nproc)" -lt 2 ]; then
	echo "notice: one core only: driver and servers share it"
	driver=0
fi
commit=$(git rev-parse --short HEAD 2>/dev/null || true)
GOMAXPROCS=1 taskset -c "$driver" "$bin/full" -dir "$PWD" -bin "$bin" -core "$core" -commit "$commit" -out "$out" "${args[@]}"
"$bin/report" -tables "$out"
