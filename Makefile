# SPDX-License-Identifier: MIT
#
# Every job of this repository. "make help" lists them.

FUZZTIME ?= 60s

.DEFAULT_GOAL := help
.PHONY: help chat setup test lint test-go test-module test-client test-conformance test-matrix test-clients test-proxies test-e2e fuzz fuzz-short

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-18s%s\n", $$1, $$2 }' Makefile

chat: ## run the chat on http://localhost:3000 (PORT=3001 make chat: another port)
	@go build -o bin/chat ./examples/chat
	@exec bin/chat

test: ## set up what is missing, run everything below, print the sum
	@scripts/test.sh

setup: ## install what the tests need: Chromium, nginx, Caddy by apt-get, Go tools into bin/
	@scripts/setup.sh

lint: bin/staticcheck ## formatting, vet for six platforms, staticcheck
	@scripts/lint.sh

test-go: bin/tally ## Go tests with the race detector
	@go test -race -timeout 5m -json ./... 2>&1 | bin/tally

test-module: ## the server of the README as a program of its own, outside this repository
	@scripts/test-module.sh

test-client: ## the TypeScript client: types, tests, and that dist/ is what the build makes
	@scripts/test-client.sh

test-conformance: ## npm clients against the Go server, on each driver
	@cd conformance && npm ci --ignore-scripts --silent && npm test --silent && DRIVER=goroutine npm test --silent

test-matrix: ## five versions of the npm client, from 1.7 on, against the Go server, as one table
	@cd conformance && npm ci --ignore-scripts --silent && npm run --silent test:matrix

test-clients: ## the clients in Python, Java and Rust against the Go server
	@conformance/clients.sh

test-proxies: ## the npm client through nginx and Caddy, with the files of deploy/
	@cd conformance && npm ci --ignore-scripts --silent && node proxies/run.mjs

test-e2e: ## the chat in Chromium (UPDATE_SCREENSHOTS=1: also the picture of the README)
	@cd e2e && npm ci --ignore-scripts --silent && npm test --silent

fuzz: ## every fuzz target for FUZZTIME (60s)
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

fuzz-short: ## every fuzz target for 10 s
	@FUZZSHORT=1 FUZZTIME=10s scripts/fuzz.sh

# The tools have a module of their own, so that the core requires nothing.
bin/staticcheck: tools/go.mod tools/go.sum
	@GOWORK=off go -C tools build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck

bin/tally: tools/tally/main.go
	@GOWORK=off go -C tools build -o ../bin/tally ./tally

.PHONY: bench-quick
bench-quick: ## ratios to the kernel's floor, a Go WebSocket library and npm socket.io, in 3 minutes
	@bench/quick.sh

.PHONY: bench-short
bench-short: ## one short round of bench-quick, to see that it runs
	@bench/quick.sh -rounds 1 -idle 1000

.PHONY: test-dialogues
test-dialogues: ## raw requests to the npm server and to ours, compared; differences need a row
	@cd conformance && npm ci --ignore-scripts --silent && npm run --silent test:dialogues
