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
check "go vet of the tools" env GOWORK=off go -C tools vet ./...
check "go vet of the benchmarks" env GOWORK=off go -C bench vet ./...
check "go vet of the comparisons" env GOWORK=off go -C internal/difftest vet ./...
check "the build without go.work" env GOWORK=off go build ./...
check "go.mod is tidy" env GOWORK=off go mod tidy -diff
check "the WebTransport module without go.work" env GOWORK=off go -C engineio/webtransport vet ./...
check "its go.mod is tidy" env GOWORK=off go -C engineio/webtransport mod tidy -diff
for script in scripts/*.sh conformance/*.sh .ci/run; do
	check "bash -n $script" bash -n "$script"
done
checked
