# SPDX-License-Identifier: MIT
#
# Every job of this repository. "make help" lists them.

FUZZTIME ?= 60s

.DEFAULT_GOAL := help
.PHONY: help chat setup test lint test-go test-module test-client test-conformance test-matrix test-clients test-diff test-proxies test-e2e fuzz fuzz-short soak hostile

# Once for each lock file: the suites that use it may run side by side. Setup has
# done it before they do.
npm_conformance := conformance/node_modules/.package-lock.json
npm_client := web/client/node_modules/.package-lock.json
npm_e2e := e2e/node_modules/.package-lock.json
npm_bench := bench/node/node_modules/.package-lock.json

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-18s%s\n", $$1, $$2 }' Makefile

chat: ## run the chat on http://localhost:3000 (PORT=3001 make chat: another port)
	@go build -o bin/chat ./examples/chat
	@exec bin/chat

test: ## set up what is missing, run everything below, print the sum
	@scripts/test.sh

setup: ## install what the tests need: Chromium, nginx, Caddy by apt-get, Go tools into bin/, packages of Go, npm, Python, Java, Rust
	@scripts/setup.sh

lint: bin/staticcheck ## formatting, vet for six platforms, staticcheck
	@scripts/lint.sh

test-go: bin/tally ## Go tests with the race detector, those of the WebTransport module too
	@go test -race -timeout 30m -json ./... ./engineio/webtransport/... 2>&1 | bin/tally

test-module: ## the server of the README as a program of its own, outside this repository
	@scripts/test-module.sh

test-client: $(npm_client) ## the TypeScript client: types, tests, and that dist/ is what the build makes
	@scripts/test-client.sh

test-conformance: $(npm_conformance) ## the newest npm client on the goroutine driver, and what is for it alone on both (test-matrix has the other driver)
	@cd conformance && DRIVER=goroutine npm test --silent && node run.mjs --newest

test-matrix: $(npm_conformance) ## five versions of the npm client, from 1.7 on, on the driver of the system, as one table
	@cd conformance && npm run --silent test:matrix

test-clients: ## the clients in Python, Java and Rust; installs what is missing
	@conformance/clients.sh

test-proxies: $(npm_conformance) ## the npm client through nginx, Caddy, Apache and HAProxy, with the files of deploy/
	@cd conformance && node proxies/run.mjs

test-e2e: $(npm_e2e) ## the chat, and pages behind proxies, in Chromium (UPDATE_SCREENSHOTS=1: also the picture of the README)
	@cd e2e && npm test --silent

test-diff: bin/tally $(npm_conformance) ## our parsers against gobwas/ws and npm socket.io-parser: the same bytes, the same outcome
	@go -C internal/difftest test -count=1 -timeout 30m -json ./... 2>&1 | bin/tally

fuzz: $(npm_conformance) ## every fuzz target for FUZZTIME (60s)
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

fuzz-short: $(npm_conformance) ## every fuzz target for 5 s
	@FUZZSHORT=1 FUZZTIME=5s scripts/fuzz.sh

soak: ## 20 rounds of 1000 clients that leave nothing behind, the stress scenarios for 20 s each, attacks in full size (SOAK=20x1000 STRESS=20s HOSTILE=full)
	@scripts/soak.sh

hostile: ## what one connection can make the server keep at worst, for each row of docs/limits.md, as a table
	@HOSTILE=full go test -count=1 -timeout 10m -v -run '^TestWorstCase$$' ./internal/hostile

# The tools have a module of their own, so that the core requires nothing.
bin/staticcheck: tools/go.mod tools/go.sum
	@go -C tools build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck

bin/api: tools/api/main.go
	@go -C tools build -o ../bin/api ./api

bin/tally: tools/tally/main.go
	@go -C tools build -o ../bin/tally ./tally

.PHONY: bench-quick
bench-quick: ## ratios to the kernel's floor, a Go WebSocket library and npm socket.io, in 3 minutes
	@bench/quick.sh

.PHONY: bench-short
bench-short: ## one short round of bench-quick, to see that it runs
	@bench/quick.sh -rounds 1 -idle 1000

.PHONY: mutate
mutate: ## how many of 60 changes of the source the tests notice (SEED, N, ONLY=engineio: of which packages); an hour or more
	@go -C tools run ./mutate -dir .. -seed "$(or $(SEED),4af93f9)" -n "$(or $(N),60)" -only "$(ONLY)"

.PHONY: api
api: bin/api ## write docs/api.txt: what the public packages export
	@bin/api >bin/api.txt && mv bin/api.txt docs/api.txt

.PHONY: test-api
test-api: bin/api $(npm_conformance) ## that docs/api.txt is up to date, and the table "from Node to Go" complete
	@scripts/test-api.sh

.PHONY: test-frameworks
test-frameworks: $(npm_conformance) ## the server in chi, Gin, Echo and Fiber, with a raw client and the npm client
	@scripts/test-frameworks.sh

.PHONY: test-dialogues
test-dialogues: $(npm_conformance) ## raw requests to the npm server and to ours, compared; differences need a row
	@cd conformance && npm run --silent test:dialogues

%/node_modules/.package-lock.json: %/package-lock.json
	@scripts/again.sh npm --prefix $* ci --ignore-scripts --prefer-offline --silent && touch $@
.PHONY: npm
npm: $(npm_conformance) $(npm_client) $(npm_e2e) $(npm_bench)
