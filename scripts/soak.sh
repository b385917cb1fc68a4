#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Lets clients come and go in rounds (SOAK=20x1000: rounds and clients), and runs the
# stress scenarios for longer (STRESS=20s each), with the race detector. "go test"
# runs both in short.
set -euo pipefail
cd "$(dirname "$0")/.."

SOAK=${SOAK:-20x1000} go test -count=1 -timeout 15m -v -run '^TestRoundsOfClients$' .
STRESS=${STRESS:-20s} go test -count=1 -race -timeout 15m -v -run '^TestStress' .
