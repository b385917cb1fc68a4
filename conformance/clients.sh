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
# What a language needs and the machine lacks comes by apt-get. What is built is kept
# in the cache of the user, under the hash of what it is made of, so that all clones
# share it. What no run has used for a month is removed.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/apt.sh
tmp=$PWD/tmp
here=$PWD/conformance
cache=${XDG_CACHE_HOME:-${HOME:-$tmp}/.cache}/socketio-clients
mkdir -p "$tmp/clients" "$cache" || exit 1
find "$cache" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} + || true

fetch=
if [ "${1:-}" = --fetch ]; then
	fetch=yes
	shift
elif [ -z "${SERVER_CMD:-}" ]; then
	SERVER_CMD=$PWD/bin/testserver
	[ -n "${BUILT:-}" ] && [ -x "$SERVER_CMD" ] || go build -race -o "$SERVER_CMD" ./conformance/cmd/testserver || exit 1
fi
export SERVER_CMD="${SERVER_CMD:-}"

# lacks COMMAND... tells whether one of them is not there.
lacks() {
	local each
	for each in "$@"; do command -v "$each" >/dev/null || return 0; done
	return 1
}

# keyed NAME FILE... sets kept to the folder for what is made of the files, and fails
# if it is not there yet. The versions of the tools are on standard input.
kept=
keyed() {
	local name=$1
	shift
	kept=$cache/$name-$(cat - "$@" | git hash-object --stdin)
	[ -d "$kept" ] && touch "$kept"
}

# keep FOLDER moves what has been made to its place, all at once. Another clone may
# have been faster.
keep() {
	if [ -d "$kept" ]; then rm -rf "$1"; else mv "$1" "$kept"; fi
}

install_python() {
	local new
	if lacks python3 || ! python3 -c 'import ensurepip, venv'; then
		apt_install python3 python3-venv || return 1
	fi
	keyed python "$here/python/requirements.txt" < <(python3 -VV) && return
	new=$(mktemp -d "$cache/new.XXXXXX") || return 1
	python3 -m venv "$new" || return 1
	"$again" "$new/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/python/requirements.txt" || return 1
	keep "$new"
}

run_python() {
	"$kept/bin/python" -B "$here/python/main.py"
}

install_java() {
	local new
	if lacks java javac mvn; then apt_install default-jdk-headless maven || return 1; fi
	keyed java "$here/java/pom.xml" "$here"/java/src/main/java/*/*.java < <(javac -version 2>&1) && return
	new=$(mktemp -d "$cache/new.XXXXXX") || return 1
	"$again" mvn --quiet --batch-mode --file "$here/java/pom.xml" -Dbuild="$new" compile dependency:copy-dependencies || return 1
	keep "$new"
}

run_java() {
	java -cp "$kept/classes:$kept/dependency/*" conformance.Main
}

# The client needs a newer compiler than the package "cargo" of Debian 12 has;
# that release has another package for it.
install_rust() {
	local new manifest=$here/rust/Cargo.toml crates
	if lacks cargo; then apt_install cargo-web || apt_install cargo || return 1; fi
	if lacks cc pkg-config || ! pkg-config --exists openssl; then
		apt_install gcc libc6-dev pkg-config libssl-dev || return 1
	fi
	keyed crates "$manifest" < <(cargo -vV) || mkdir -p "$kept" || return 1
	crates=$kept
	keyed rust "$manifest" "$here"/rust/src/*.rs < <(cargo -vV) && return
	"$again" cargo fetch --quiet --manifest-path "$manifest" || return 1
	[ -z "$fetch" ] || return 0
	# The crates take minutes. Cargo before 1.91 builds them in tmp/rust.
	CARGO_BUILD_BUILD_DIR=$crates CARGO_TARGET_DIR=$tmp/rust cargo build --quiet --jobs 2 --manifest-path "$manifest" || return 1
	new=$(mktemp -d "$cache/new.XXXXXX") || return 1
	cp "$tmp/rust/debug/rust-client" "$new" && keep "$new"
}

run_rust() {
	"$kept/rust-client"
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
