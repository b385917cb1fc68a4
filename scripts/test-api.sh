#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The exported names: docs/api.txt lists them all, and the table "from Node to Go"
# has a row for every public member of npm socket.io. Also the data paths of docs/DESIGN.md.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/check.sh

listed() {
	bin/api | diff -u docs/api.txt - && return
	echo "The exported names have changed. If that is meant: make api, and commit docs/api.txt."
	return 1
}

check "docs/api.txt lists what is exported" listed
check "an event runs through the files that docs/DESIGN.md names" go -C tools run ./datapath -dir ..
status=0
checked || status=1
node conformance/api/check.mjs || status=1
exit "$status"
