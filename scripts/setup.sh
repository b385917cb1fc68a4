#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Installs what the tests need and is missing: Chromium and a font, nginx, Caddy,
# Apache, HAProxy, OpenSSL, Redis and PostgreSQL by apt-get on Debian, the modules of Go, the Go
# tools into bin/, npm packages at the versions of their lock files, and by
# conformance/clients.sh what the clients in Python, Java and Rust are made of. So the
# tests need no network.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/apt.sh

need() { command -v "$1" >/dev/null || { echo "setup: $1 is missing: $2" >&2; exit 1; }; }
need go "install Go 1.26 or newer"
need node "install Node 20.19 or newer"
need npm "it comes with Node"

packages=()
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || packages+=(chromium)
[ -d /usr/share/fonts/truetype/liberation ] || [ -d /usr/share/fonts/truetype/liberation2 ] || packages+=(fonts-liberation)
PATH=$PATH:/usr/sbin
command -v nginx >/dev/null || packages+=(nginx-light)
command -v caddy >/dev/null || packages+=(caddy)
command -v apache2 >/dev/null || packages+=(apache2-bin) # without the service of package apache2
command -v haproxy >/dev/null || packages+=(haproxy)
command -v openssl >/dev/null || packages+=(openssl)
# The server without a service: redis-tools has it under the name redis-check-rdb.
command -v redis-server >/dev/null || command -v redis-check-rdb >/dev/null || packages+=(redis-tools)
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || command -v initdb >/dev/null || packages+=(postgresql)
# Valkey likewise, since Debian 13 and in the backports of 12. Its tests are left out elsewhere.
if ! command -v valkey-server >/dev/null && ! command -v valkey-check-rdb >/dev/null; then
	if apt-cache show valkey-tools 2>/dev/null | grep -q .; then
		packages+=(valkey-tools)
	else
		echo "setup: no Valkey: this system has no package of it, so no test runs with it"
	fi
fi
if [ ${#packages[@]} -gt 0 ]; then
	if ! command -v apt-get >/dev/null; then
		echo "setup: ${packages[*]} missing; install them (Chromium elsewhere: CHROMIUM=/path make test)" >&2
		[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || exit 1
	else
		echo "setup: installing ${packages[*]}"
		apt_install "${packages[@]}"
	fi
fi

mkdir -p bin
for dir in . engineio/webtransport adapter/diskstore adapter/natsadapter tools/natsserver adapter/pgadapter adapter/redisadapter examples/feed examples/frameworks internal/difftest tools bench bench/peers; do
	scripts/again.sh go -C "$dir" mod download || echo "setup: not every module of $dir is there; who needs it tells"
done
# A client that cannot be had fails its own suite, by name. Most of it waits.
conformance/clients.sh --fetch >bin/clients.log 2>&1 &
clients=$!
trap wait EXIT
# The NATS server of the tests: they link it themselves.
go -C tools/natsserver build -trimpath '-ldflags=-s -w' -o /dev/null . || echo "setup: no NATS server; who needs it tells"
make -s -j 2 bin/staticcheck bin/typecheck bin/tally bin/api npm programs
wait "$clients" || echo "setup: not every client is there; make test-clients tells"
cat bin/clients.log
