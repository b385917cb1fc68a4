#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Checks that the server of the README is func Example, word for word, and compiles as
# a program of its own, with a go.mod outside this repository. Also compiles the code of
# the migration guides, of the deployment guide, and of the page on many servers.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/check.sh

repo=$PWD
own=$(GOWORK=off go list -m)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The first Go block of the README, a whole program, the body of its main, and that of func Example.
awk '/^```go$/ { on = 1; next } /^```$/ && on { exit } on' README.md >"$dir/main.go"
awk '/^func main\(\) \{$/ { on = 1; next } /^}$/ && on { exit } on' "$dir/main.go" >"$dir/readme"
awk '/^func Example\(\) \{$/ { on = 1; next } /^}$/ && on { exit } on' example_test.go >"$dir/example"

# module DIR makes it a module that requires this repository.
module() {
	printf 'module example.com/app\n\ngo 1.26\n\nrequire %s v0.0.0\n\nreplace %s => %s\n' "$own" "$own" "$repo" >"$1/go.mod"
	GOWORK=off go -C "$1" mod tidy
}

program() {
	mkdir "$dir/app"
	cp "$dir/main.go" "$dir/app"
	module "$dir/app" && GOWORK=off go -C "$dir/app" vet . && GOWORK=off go -C "$dir/app" build -o app .
}

# guide FILE compiles every Go block of it that is not marked as something else.
guide() {
	local out blocks
	out=$dir/$(basename "$1" .md)
	mkdir "$out"
	blocks=$(awk -v OUT="$out" -v MODULE="$own" -f scripts/docblocks.awk "$1")
	[ "$blocks" -ge 2 ] || { echo "$blocks blocks of Go"; return 1; }
	module "$out" && GOWORK=off go -C "$out" vet ./...
}

# marked FILE PATH compiles the blocks that are marked with the module at PATH of this
# repository, in a module that requires that one too.
marked() {
	local out kind blocks
	kind=$(basename "$2")
	out=$dir/$(basename "$1" .md)-$kind
	mkdir "$out"
	blocks=$(awk -v OUT="$out" -v MODULE="$own" -v KIND="$kind" -v PATH="$2" -f scripts/docblocks.awk "$1")
	[ "$blocks" -ge 1 ] || { echo "no block is marked $kind"; return 1; }
	printf 'module example.com/app\n\ngo 1.26\n\nrequire (\n\t%s v0.0.0\n\t%s v0.0.0\n)\n\nreplace (\n\t%s => %s\n\t%s => %s\n)\n' \
		"$own" "$own/$2" "$own" "$repo" "$own/$2" "$repo/$2" >"$out/go.mod"
	cp "$2/go.sum" "$out"
	GOWORK=off GOFLAGS=-mod=mod go -C "$out" vet ./...
}

# marks FILE prints what its Go blocks are marked with, except "before".
marks() { sed -n 's/^```go \([a-z]*\)$/\1/p' "$1" | grep -vx before | sort -u; }

check "the README has a server" test -s "$dir/readme"
check "it is the body of func Example" diff "$dir/readme" "$dir/example"
check "it compiles as a program of its own" program
for file in docs/migrating-*.md docs/deploy.md docs/cluster.md; do
	check "the code of $file compiles" guide "$file"
	for kind in $(marks "$file"); do
		check "the code of $file with $kind compiles" marked "$file" "$(dirname "$(find adapter engineio -path "*/$kind/go.mod")")"
	done
done
checked
