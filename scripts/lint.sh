#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Formatting, vet for the platforms we promise, staticcheck. With --all, also for
# those that differ from others only a little: with empty caches each takes a minute.
# And for 32 bits all packages, not only those of the library; and each module within
# go.work too, whose packages compile with the versions of both.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/check.sh

formatted() {
	local files
	files=$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 gofmt -l)
	[ -z "$files" ] || { echo "gofmt -w $files"; return 1; }
}

# ported prints the packages of the main module whose files are not the same
# everywhere, or that use what only some systems have.
ported() {
	local files
	files=$(git ls-files --cached --others --exclude-standard '*.go' ':!bench' ':!tools' ':!engineio/webtransport' ':!adapter/diskstore' ':!examples/frameworks' ':!internal/difftest')
	{
		grep -E '_(linux|darwin|windows|freebsd|unix|amd64|arm64|386)(_test)?\.go$' <<<"$files"
		xargs grep -lE '^//go:build .*(linux|darwin|windows|freebsd|unix|amd64|arm64|386)|^	(_ )?"(syscall|unsafe|golang\.org/x/sys/.*)"$' <<<"$files"
	} | xargs -n 1 dirname | sort -u | sed 's|^|./|'
}

all=${1:-}
check "gofmt" formatted
check "go vet" go vet ./... ./engineio/webtransport/... ./adapter/diskstore/...
check "go vet of what needs npm packages" go vet -tags npm ./conformance/dialer
# What only a 32-bit system notices may be anywhere.
everywhere=$(go list . ./adapter/... ./engineio ./internal/... ./parser/... ./siotest | grep -vE '/(archtest|hostile)$')
[ "$all" != --all ] || everywhere=./...
# shellcheck disable=SC2086
check "go vet for linux/386" env GOARCH=386 CGO_ENABLED=0 go vet $everywhere
packages=$(ported)
platforms="darwin/arm64 windows/amd64"
[ "$all" != --all ] || platforms+=" freebsd/amd64 linux/arm64"
for platform in $platforms; do
	# shellcheck disable=SC2086
	check "go vet for $platform of what depends on it" env GOOS="${platform%/*}" GOARCH="${platform#*/}" CGO_ENABLED=0 go vet $packages
done
check "staticcheck" bin/staticcheck ./... ./engineio/webtransport/... ./adapter/diskstore/...
# As in an editor that has opened one of these folders, and as for a user of the module.
# The main module in go.work has been vetted above.
for file in $(git ls-files --cached --others --exclude-standard '*go.mod'); do
	dir=$(dirname "$file")
	[ "$all" != --all ] || [ "$dir" = . ] || [ "$dir" = engineio/webtransport ] || [ "$dir" = adapter/diskstore ] || check "go vet ./... in $dir" go -C "$dir" vet ./...
	check "go vet ./... in $dir without go.work" env GOWORK=off go -C "$dir" vet ./...
	check "$file is tidy" env GOWORK=off go -C "$dir" mod tidy -diff
done
for script in scripts/*.sh conformance/*.sh .ci/run; do
	check "bash -n $script" bash -n "$script"
done
checked
