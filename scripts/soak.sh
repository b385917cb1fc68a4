#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Lets clients come and go in rounds (SOAK=20x1000: rounds and clients), runs the
# stress scenarios for longer (STRESS=20s each), with the race detector, and attacks a
# server in full size (HOSTILE=full: 2000 connections that drip, 100,000 handshakes,
# two to three minutes). Then 20,000 upgrades and 5000 connections are cut, for an hour
# at most (DELIVERY=20000x5000x3600), three servers on one bus are killed, frozen and
# drained (NODE_FAULTS=60), and a server with the disk store is killed under
# the npm client (KILLS=200 times, five minutes). "make test" runs all of them in short.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
SOAK=${SOAK:-20x1000} go test -count=1 -timeout 15m -json -run '^TestRoundsOfClients$' . 2>&1 | bin/tally -v || status=1
STRESS=${STRESS:-20s} go test -count=1 -race -timeout 15m -json -run '^TestStress' . 2>&1 | bin/tally -v || status=1
HOSTILE=${HOSTILE-full} go test -count=1 -timeout 10m -json -run '^TestFullSize$' ./internal/hostile 2>&1 | bin/tally -v || status=1
IFS=x read -r upgrades recoveries seconds <<<"${DELIVERY:-20000x5000x3600}"
UPGRADES=$upgrades RECOVERIES=$recoveries TIME=$seconds make -s test-delivery || status=1
NODE_FAULTS=${NODE_FAULTS:-60} MODULES="redisadapter natsadapter pgadapter" ENGINE=classic,sharded,streams,core,JetStream,notify,outbox make -s test-delivery-nodes || status=1
KILLS=${KILLS:-200} go test -count=1 -race -tags npm -timeout 30m -json -run '^TestKilledServer$' ./adapter/diskstore 2>&1 | bin/tally -v || status=1
exit $status
