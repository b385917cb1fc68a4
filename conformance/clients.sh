#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The clients of other languages against the Go server: installs each, runs its
# scenarios, and ends with status 0 if all passed. A client that cannot be
# installed has failed, by name. Arguments name the languages; all without.
#
#   conformance/clients.sh            python java rust
#   conformance/clients.sh rust
#   conformance/clients.sh --fetch    only what comes over the network
#   SERVER_CMD="..." conformance/clients.sh   against that command
#
# What a language needs and the machine lacks comes by apt-get. Everything built
# lies in tmp/.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/apt.sh
tmp=$PWD/tmp
here=$PWD/conformance
mkdir -p "$tmp/clients"

fetch=
if [ "${1:-}" = --fetch ]; then
	fetch=yes
	shift
elif [ -z "${SERVER_CMD:-}" ]; then
	SERVER_CMD=$PWD/bin/testserver
	go build -race -o "$SERVER_CMD" ./conformance/cmd/testserver || exit 1
fi
export SERVER_CMD="${SERVER_CMD:-}"

# lacks COMMAND... tells whether one of them is not there.
lacks() {
	local each
	for each in "$@"; do command -v "$each" >/dev/null || return 0; done
	return 1
}

# The folder is made anew if the last one was not finished.
install_python() {
	if lacks python3 || ! python3 -c 'import ensurepip, venv'; then
		apt_install python3 python3-venv || return 1
	fi
	if [ ! -x "$tmp/python/bin/pip" ]; then
		rm -rf "$tmp/python"
		python3 -m venv "$tmp/python" || return 1
	fi
	"$again" "$tmp/python/bin/pip" install --quiet --disable-pip-version-check -r "$here/python/requirements.txt"
}

run_python() {
	"$tmp/python/bin/python" -B "$here/python/main.py"
}

install_java() {
	if lacks java javac mvn; then apt_install default-jdk-headless maven || return 1; fi
	"$again" mvn --quiet --batch-mode --file "$here/java/pom.xml" compile dependency:copy-dependencies
}

run_java() {
	java -cp "$tmp/java/classes:$tmp/java/dependency/*" conformance.Main
}

# The client needs a newer compiler than the package "cargo" of Debian 12 has;
# that release has another package for it.
install_rust() {
	if lacks cargo; then apt_install cargo-web || apt_install cargo || return 1; fi
	if lacks cc pkg-config || ! pkg-config --exists openssl; then
		apt_install gcc libc6-dev pkg-config libssl-dev || return 1
	fi
	"$again" cargo fetch --quiet --manifest-path "$here/rust/Cargo.toml" || return 1
	[ -n "$fetch" ] || CARGO_TARGET_DIR=$tmp/rust cargo build --quiet --jobs 2 --manifest-path "$here/rust/Cargo.toml"
}

run_rust() {
	"$tmp/rust/debug/rust-client"
}

[ $# -gt 0 ] || set -- python java rust
status=0
for language in "$@"; do
	echo "-- $language"
	began=$SECONDS
	if ! "install_$language" >"$tmp/clients/$language.log" 2>&1; then
		tail -n 20 "$tmp/clients/$language.log"
		echo "FAIL $language: the client could not be installed"
		[ -n "$fetch" ] || echo "0 passed, 1 failed"
		status=1
		continue
	fi
	echo "installed in $((SECONDS - began)) s"
	[ -z "$fetch" ] || continue
	if ! "run_$language" 2>"$tmp/clients/$language.err"; then
		tail -n 20 "$tmp/clients/$language.err"
		status=1
	fi
done
exit $status
