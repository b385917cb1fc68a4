#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Compares a server of a cluster with the npm server and its adapter, on Redis and on
# PostgreSQL. Linux, two cores.
#
#   cluster.sh                          tables of ratios, with classic and with sharded channels
#   cluster.sh -modes streams,notify,outbox   with those that have a log, and with NOTIFY
#   cluster.sh -rounds 1 -events 4000   all flags go to cmd/cluster
set -euo pipefail
cd "$(dirname "$0")"

bin=$PWD/../bin/bench
mkdir -p "$bin"
go build -o "$bin/" ./cmd/cluster ./cmd/clusternode
if [ ! -d node/node_modules ] || [ node/package-lock.json -nt node/node_modules ]; then
	(cd node && ../../scripts/again.sh npm ci --ignore-scripts --silent && touch node_modules)
fi
driver=1
[ "$(nproc)" -ge 2 ] || driver=0
GOMAXPROCS=1 exec taskset -c "$driver" "$bin/cluster" -bin "$bin" -node "$PWD/node" -core 0 -beside "$driver" "$@"
