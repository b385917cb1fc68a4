#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Formatting, vet, staticcheck, and that all packages compile on the platforms we promise.
# With --all, vet for those platforms too: with empty caches each takes a minute. And vet
# of each module within go.work, whose packages compile with the versions of both, of those
# that it joins without it too, and of the examples of frameworks, which their tests compile.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/check.sh
export GOGC=300 # collecting garbage was a third of the work

formatted() {
	local files
	files=$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 gofmt -l)
	[ -z "$files" ] || { echo "gofmt -w $files"; return 1; }
}

all=${1:-}
joined=$(go list -m -f '{{.Dir}}' | sed "s|^$PWD|.|") # the modules of go.work
mapfile -t packages < <(sed 's|$|/...|' <<<"$joined")
check "gofmt" formatted
check "go vet" go vet "${packages[@]}"
check "go vet of what needs npm packages" go vet -tags npm ./conformance/dialer ./adapter/diskstore ./adapter/natsadapter ./adapter/pgadapter ./adapter/redisadapter
check "go vet of what counts locks" go vet -tags lockcount ./internal/lock
platforms="linux/386 darwin/arm64 windows/amd64"
check "all packages compile for $platforms" bin/typecheck "${platforms// /,}" "${packages[@]}"
if [ "$all" = --all ]; then
	for platform in $platforms freebsd/amd64 linux/arm64; do
		check "go vet for $platform" env GOOS="${platform%/*}" GOARCH="${platform#*/}" CGO_ENABLED=0 go vet "${packages[@]}"
	done
fi
check "staticcheck" bin/staticcheck "${packages[@]}"
# As in an editor that has opened one of these folders, and as for a user of the module.
# Those in go.work have been vetted above.
compiles() {
	local host
	host=$(go env GOOS)/$(go env GOARCH)
	(cd "$1" && GOWORK=off "$OLDPWD/bin/typecheck" "$host" ./...)
}
for file in $(git ls-files --cached --others --exclude-standard '*go.mod'); do
	dir=$(dirname "$file")
	vetted=
	! grep -qxF -e "$dir" -e "./$dir" <<<"$joined" || vetted=yes
	if [ "$all" = --all ]; then
		[ -n "$vetted" ] || check "go vet ./... in $dir" go -C "$dir" vet ./...
		check "go vet ./... in $dir without go.work" env GOWORK=off go -C "$dir" vet ./...
	elif [ -n "$vetted" ]; then
		check "$dir compiles without go.work" compiles "$dir"
	elif [ "$dir" != examples/frameworks ]; then
		check "go vet ./... in $dir without go.work" env GOWORK=off go -C "$dir" vet ./...
	fi
	check "$file is tidy" env GOWORK=off go -C "$dir" mod tidy -diff
done
for script in scripts/*.sh conformance/*.sh .ci/run; do
	check "bash -n $script" bash -n "$script"
done
checked
