#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs a command that needs the network, up to five times with pauses between: a
# registry may have a bad moment.
#
#   scripts/again.sh npm ci
set -uo pipefail

for pause in 2 10 30 60; do
	"$@" && exit 0
	echo "again in $pause s: $*" >&2
	sleep "$pause"
done
exec "$@"
