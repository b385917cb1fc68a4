#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The server in other people's frameworks. They have a module of their own, so that
# the core requires none of them; a raw client in Go tries each, then the npm client.
# Vet is lint's task.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/check.sh

check "each with a raw client; docs/frameworks.md shows this code" \
	go -C examples/frameworks test -race -vet=off -timeout 30m ./...
check "each with the npm client" node conformance/frameworks.mjs
checked
