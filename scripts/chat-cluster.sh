#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs the chat on two servers, with Redis and nginx, until Ctrl-C. Installs what is
# missing; without root it prints the line that does.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/apt.sh
PATH=$PATH:/usr/sbin # where Debian keeps nginx

missing=()
command -v redis-server >/dev/null || command -v redis-check-rdb >/dev/null || missing+=(redis-tools) # see setup.sh
command -v nginx >/dev/null || missing+=(nginx-light)
if [ ${#missing[@]} -gt 0 ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "missing: ${missing[*]}; install them: sudo apt-get install -y ${missing[*]}" >&2
		exit 1
	fi
	apt_install "${missing[@]}"
fi
go build -o bin/chat-cluster ./adapter/redisadapter/chat
exec bin/chat-cluster
