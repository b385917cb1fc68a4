#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Formatting, vet for every platform we promise, staticcheck.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/check.sh

formatted() {
	local files
	files=$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 gofmt -l)
	[ -z "$files" ] || { echo "gofmt -w $files"; return 1; }
}

check "gofmt" formatted
check "go vet" go vet ./... ./engineio/webtransport/...
for platform in darwin/arm64 windows/amd64 freebsd/amd64 linux/arm64 linux/386; do
	check "go vet for $platform" env GOOS="${platform%/*}" GOARCH="${platform#*/}" CGO_ENABLED=0 go vet ./...
done
check "staticcheck" bin/staticcheck ./... ./engineio/webtransport/...
# As whoever opens one of these folders does it, and as a user of the module does.
for file in $(git ls-files --cached --others --exclude-standard '*go.mod'); do
	dir=$(dirname "$file")
	check "go build ./... in $dir" go -C "$dir" build ./...
	check "go vet ./... in $dir" go -C "$dir" vet ./...
	check "the same without go.work" env GOWORK=off go -C "$dir" vet ./...
	check "$file is tidy" env GOWORK=off go -C "$dir" mod tidy -diff
done
for script in scripts/*.sh conformance/*.sh .ci/run; do
	check "bash -n $script" bash -n "$script"
done
checked
