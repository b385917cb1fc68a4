#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The clients of other languages against the Go server: installs each, runs its
# scenarios, and ends with status 0 if all passed. A client that cannot be
# installed has failed, by name. Arguments name the languages; all without.
#
#   conformance/clients.sh            python java rust
#   conformance/clients.sh rust
#   SERVER_CMD="..." conformance/clients.sh   against that command
#
# Everything built lies in tmp/.
set -uo pipefail
cd "$(dirname "$0")/.."
tmp=$PWD/tmp
here=$PWD/conformance
mkdir -p "$tmp/clients"

if [ -z "${SERVER_CMD:-}" ]; then
	SERVER_CMD=$tmp/clients/testserver
	go build -race -o "$SERVER_CMD" ./conformance/cmd/testserver || exit 1
fi
export SERVER_CMD

install_python() {
	[ -x "$tmp/python/bin/python" ] || python3 -m venv "$tmp/python" || return 1
	"$tmp/python/bin/pip" install --quiet --disable-pip-version-check -r "$here/python/requirements.txt"
}

run_python() {
	"$tmp/python/bin/python" -B "$here/python/main.py"
}

install_java() {
	mvn --quiet --batch-mode --file "$here/java/pom.xml" compile dependency:copy-dependencies
}

run_java() {
	java -cp "$tmp/java/classes:$tmp/java/dependency/*" conformance.Main
}

install_rust() {
	CARGO_TARGET_DIR=$tmp/rust cargo build --quiet --jobs 2 --manifest-path "$here/rust/Cargo.toml"
}

run_rust() {
	"$tmp/rust/debug/rust-client"
}

[ $# -gt 0 ] || set -- python java rust
status=0
for language in "$@"; do
	echo "-- $language"
	if ! "install_$language" >"$tmp/clients/$language.log" 2>&1; then
		tail -n 20 "$tmp/clients/$language.log"
		echo "FAIL $language: the client could not be installed"
		echo "0 passed, 1 failed"
		status=1
		continue
	fi
	if ! "run_$language" 2>"$tmp/clients/$language.err"; then
		tail -n 20 "$tmp/clients/$language.err"
		status=1
	fi
done
exit $status
