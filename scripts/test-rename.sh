#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The repository under another module path: a copy is renamed by "make rename", and
# all of its modules build, and its tests pass.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/check.sh

module=example.org/you/socketio
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

copied() {
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy"
	git -C "$copy" init --quiet && git -C "$copy" add --all
}

# old prints what still has the old path in a Go file or a go.mod.
old() {
	! git -C "$copy" grep -nE '^(import|	)[[:space:]]*([a-z_.]+ )?"socketio(/[a-z0-9/]+)?"' -- '*.go' || return 1
	! git -C "$copy" grep -nE '^(module|require|replace|	) ?socketio(/| )' -- '*go.mod'
}

# again renames once more, and back: that must change nothing.
again() {
	git -C "$copy" add --all
	make -s -C "$copy" rename MODULE=example.com/other/path
	make -s -C "$copy" rename MODULE=$module
	git -C "$copy" diff --exit-code --stat
}

formatted() {
	local files
	files=$(git -C "$copy" ls-files -z '*.go' | (cd "$copy" && xargs -0 gofmt -l))
	[ -z "$files" ] || { echo "$files"; return 1; }
}

listed() {
	make -s -C "$copy" bin/api && (cd "$copy" && bin/api) | diff -u "$copy/docs/api.txt" -
}

check "a copy" copied
check "make rename MODULE=$module" make -s -C "$copy" rename MODULE=$module
check "there and back" again
check "gofmt" formatted
check "no import and no go.mod has the old path" old
for file in $(git -C "$copy" ls-files '*go.mod'); do
	dir=$copy/$(dirname "$file")
	check "go vet in $(dirname "$file")" go -C "$dir" vet ./...
	check "the same without go.work" env GOWORK=off go -C "$dir" vet ./...
	check "its go.mod is tidy" env GOWORK=off go -C "$dir" mod tidy -diff
done
check "docs/api.txt lists what is exported" listed
check "the tests" go -C "$copy" test -short -vet=off -timeout 20m ./...
check "the server of the README as a program of its own" "$copy/scripts/test-module.sh"
checked
