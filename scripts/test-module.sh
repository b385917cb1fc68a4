#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The server of the README: is it the Go example, word for word, and does it
# compile as a program of its own, with a go.mod outside this repository?
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/check.sh

repo=$PWD
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The first Go block of the README, and the body of func Example, one tab less.
awk '/^```go$/ { on = 1; next } /^```$/ && on { exit } on' README.md >"$dir/readme"
awk '/^func Example\(\) \{$/ { on = 1; next } /^}$/ && on { exit } on { sub(/^\t/, ""); print }' \
	example_test.go >"$dir/example"

program() {
	mkdir "$dir/app"
	cd "$dir/app"
	{
		printf 'package main\n\nimport (\n\t"log"\n\t"net/http"\n\n\t"socketio"\n)\n\nfunc main() {\n'
		cat ../readme
		printf '}\n'
	} >main.go
	printf 'module example.com/app\n\ngo 1.26\n\nrequire socketio v0.0.0\n\nreplace socketio => %s\n' "$repo" >go.mod
	GOWORK=off go mod tidy
	GOWORK=off go vet .
	GOWORK=off go build -o app .
}

check "the README has a server" test -s "$dir/readme"
check "it is the body of func Example" diff "$dir/readme" "$dir/example"
check "it compiles as a program of its own" program
checked
