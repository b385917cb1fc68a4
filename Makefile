# SPDX-License-Identifier: MIT
#
# Every job of this repository. "make help" lists them.

FUZZTIME ?= 60s

# What Go has built in one folder is of use in another clone only if its paths are not in it.
export GOFLAGS := $(filter-out -trimpath,$(shell go env GOFLAGS)) -trimpath

.DEFAULT_GOAL := help
.PHONY: help chat setup test nightly repeat lint lint-all test-go test-go-all test-hostile test-hostile-all test-repeated test-budgets test-module test-client test-conformance test-conformance-all test-dialer test-matrix test-matrix-all test-clients test-diff test-proxies test-e2e test-rename fuzz fuzz-short soak hostile

# Once for each lock file: the suites that use it may run side by side. Setup has
# done it before they do.
npm_conformance := conformance/node_modules/.package-lock.json
npm_client := web/client/node_modules/.package-lock.json
npm_e2e := e2e/node_modules/.package-lock.json
npm_bench := bench/node/node_modules/.package-lock.json

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-22s%s\n", $$1, $$2 }' Makefile

chat: ## run the chat on http://localhost:3000 (PORT=3001 make chat: another port)
	@go build -o bin/chat ./examples/chat
	@exec bin/chat

.PHONY: chat-cluster
chat-cluster: ## the chat on two servers with Redis and nginx without sticky sessions; installs what is missing
	@exec scripts/chat-cluster.sh

test: ## set up what is missing, run every suite, some in a short form, print the total (SUITES="lint test-go": these suites)
	@scripts/test.sh

nightly: ## the same in full, with all versions of the npm client, tests repeated, long fuzzing, soak, attacks, benchmarks: more than an hour
	@scripts/test.sh --nightly

repeat: ## a suite many times beside two busy loops (make repeat SUITE=test-dialogues N=20)
	@scripts/repeat.sh $(SUITE) $(N)

setup: ## install what the tests need: Chromium, nginx, Caddy, Redis, PostgreSQL by apt-get, Go tools into bin/, packages of Go, npm, Python, Java, Rust
	@scripts/setup.sh

lint: bin/staticcheck bin/typecheck ## formatting, vet, staticcheck, and that all compiles for 32 bits, macOS and Windows
	@scripts/lint.sh

lint-all: bin/staticcheck bin/typecheck ## the same, and vet for those platforms, FreeBSD and arm64
	@scripts/lint.sh --all

# The attacks measure a server without the race detector, in a process of its own.
nested = ./engineio/webtransport/... ./adapter/diskstore/... ./adapter/natsadapter/... ./adapter/pgadapter/... ./adapter/redisadapter/...
go_packages = $$(go list ./... $(nested) | grep -v /internal/hostile)

# Vet is lint's, for all packages. Four packages at once, because they wait more than
# they compute.
# The faults of several NATS servers at once last long; test-go-all has them.
# Where one goroutine computes, the race detector finds nothing and takes three to five
# times as long: these tests have a suite of their own, without it. test-go-all has it for
# all. Of internal/ws, the rest of the tests are in both.
tables = ./internal/archtest ./internal/histcheck ./internal/ws ./parser/...
alone = /(internal/(hostile|archtest|histcheck)|parser(/[^/]+)*)$$
test-go: bin/tally ## Go tests with the race detector, those of the WebTransport module too; stress, crowds and tables in short
	@go test -race -short -vet=off -p 4 -timeout 30m -skip '^(TestThreeServers|TestNATSFreezes|TestAutobahn.*|TestAllLengths|TestUTF8)$$' -json $$(go list ./... $(nested) | grep -vE '$(alone)') 2>&1 | bin/tally

.PHONY: test-tables
test-tables: bin/tally ## Go tests that compute in one goroutine, without the race detector: formats, checkers, rules for the source
	@go test -short -vet=off -timeout 30m -json $(tables) 2>&1 | bin/tally

test-go-all: bin/tally ## the same in full
	@go test -race -vet=off -timeout 30m -json $(go_packages) 2>&1 | bin/tally

test-repeated: bin/tally ## the Go tests three times more, with the race detector, in random order
	@go test -race -count=3 -shuffle=on -timeout 60m -json $(go_packages) 2>&1 | bin/tally

attack = [ "$$(uname)" = Linux ] || { echo "for Linux only"; exit; }; \
	go test -vet=off -timeout 10m -parallel 8 $(1) -json ./internal/hostile 2>&1 | bin/tally

test-hostile: bin/tally ## attacks on a server in another process (Linux), each on one of the two drivers
	@$(call attack,-short)

test-hostile-all: bin/tally ## the same, each on both drivers (in full size: make soak, make hostile)
	@$(call attack,)

test-budgets: bin/tally ## what an event may allocate and lock, without the race detector
	@scripts/test-budgets.sh

test-rename: ## that all builds and passes under another module path
	@scripts/test-rename.sh

test-module: ## the server of the README as a program of its own, outside this repository
	@scripts/test-module.sh

test-delivery: $(npm_conformance) ## what clients and server have sent and received while 300 upgrades and 300 connections are cut, by the delivery checker (SEED=123: the same faults again)
	@node conformance/delivery/run.mjs

.PHONY: test-delivery delivery
delivery: test-delivery ## the same; UPGRADES=20000 RECOVERIES=5000 TIME=3600: more; CLIENT=ours, SERVER=npm: another client, another server; KEEP=folder: keeps the logs

.PHONY: test-delivery-nodes
MODULES ?= redisadapter
test-delivery-nodes: bin/tally $(npm_conformance) ## the same with three servers on one bus, without sticky sessions, that are killed, frozen and drained while the bus fails, or send their clients away (MODULES="redisadapter natsadapter pgadapter", ENGINE=classic,sharded,streams,core,JetStream,notify,outbox: these, NODE_FAULTS=4 DELIVERY_SEED=123)
	@go test -race -vet=off -count=1 -tags npm -p 1 -timeout 60m -run '^Test(Delivery|Rebalance)$$' -json $(addprefix ./adapter/,$(MODULES)) 2>&1 | bin/tally

.PHONY: delivery-pairs
delivery-pairs: $(npm_conformance) ## the same for the npm client and ours, against the npm server and ours, as a table (UPGRADES=300 RECOVERIES=300 SEED=1)
	@node conformance/delivery/pairs.mjs

test-client: $(npm_client) ## the TypeScript client: types, tests, and that dist/ is what the build makes
	@scripts/test-client.sh

dialer_tests = go test -race -vet=off -tags npm -json ./conformance/dialer 2>&1 | bin/tally

# test-matrix has the newest client on the driver of the system.
test-conformance: bin/tally $(npm_conformance) ## engineio.Dialer against the npm servers, and the newest npm client: each scenario on the goroutine driver by an upgrade, and what is for it alone on that of the system
	@cd conformance && SHORT=1 DRIVER=goroutine TRANSPORTS=upgrade npm test --silent && node run.mjs --newest
	@$(dialer_tests)

test-conformance-all: bin/tally $(npm_conformance) ## the same over every transport on both drivers
	@cd conformance && DRIVER=goroutine npm test --silent && node run.mjs --newest
	@$(dialer_tests)

test-dialer: bin/tally $(npm_conformance) ## engineio.Dialer and examples/dialer against the npm servers; test-conformance has it
	@$(dialer_tests)

test-matrix: $(npm_conformance) ## three versions of the npm client, 2.5, 4.0 and the newest, as one table
	@cd conformance && npm run --silent test:matrix -- --short

test-matrix-all: $(npm_conformance) ## five versions, from 1.7 on
	@cd conformance && npm run --silent test:matrix

.PHONY: test-nosticky test-nosticky-all programs-nosticky
# Three processes that share a Redis, behind nginx; each request and upgrade lands on the next.
three = NODES=3 SERVER_CMD=$(CURDIR)/bin/testserver-redis
programs-nosticky:
	@[ -n "$$BUILT" ] && [ -x bin/testserver-redis ] || go build -race -o bin/testserver-redis ./adapter/redisadapter/internal/conformtest

test-nosticky: programs-nosticky $(npm_conformance) $(npm_client) ## three servers on Redis, behind nginx without sticky sessions: some scenarios with the npm clients 2.5, 4.0 and the newest, the clients in Python, and ours, over each transport
	@cd conformance && $(three) TRANSPORTS=polling,websocket,upgrade node matrix.mjs --short suite/rooms.test.mjs
	@cd conformance && $(three) SHORT=1 TRANSPORTS=upgrade node run.mjs suite/acks.test.mjs suite/connect.test.mjs suite/engine.test.mjs suite/reconnect.test.mjs suite/traffic.test.mjs
	@$(three) ONLY=room conformance/clients.sh python
	@cd web/client && SHORT=1 $(three)" client" npm test --silent -- scenarios

test-nosticky-all: programs-nosticky $(npm_conformance) $(npm_client) ## the same with all scenarios, with each engine, and with upgrades that are not forwarded
	@cd conformance && $(three) TRANSPORTS=polling,websocket,upgrade node matrix.mjs --short
	@cd conformance && $(three) node run.mjs --newest
	@cd conformance && $(three) ENGINE=sharded TRANSPORTS=upgrade node matrix.mjs --short
	@$(three) conformance/clients.sh python
	@cd web/client && $(three)" client" ENGINE=streams npm test --silent -- scenarios link
	@cd web/client && $(three)" client" ENGINE=sharded npm test --silent -- scenarios
	@cd conformance && $(three) FORWARD_UPGRADES=0 TRANSPORTS=polling,upgrade node run.mjs suite/traffic.test.mjs suite/acks.test.mjs suite/rooms.test.mjs

test-clients: test-clients-python test-clients-java test-clients-rust ## the clients in Python, Java and Rust; installs what is missing

test-clients-%:
	@conformance/clients.sh $*

test-proxies: $(npm_conformance) ## the npm client through nginx, Caddy, Apache and HAProxy, with the files of deploy/
	@cd conformance && node proxies/run.mjs

test-e2e: $(npm_e2e) ## the chat, and pages behind proxies, in Chromium (UPDATE_SCREENSHOTS=1: also the picture of the README)
	@cd e2e && npm test --silent

test-diff: bin/tally $(npm_conformance) ## our parsers against gobwas/ws and npm socket.io-parser: the same bytes, the same outcome
	@go -C internal/difftest test -vet=off -count=1 -timeout 30m -json ./... 2>&1 | bin/tally

fuzz: $(npm_conformance) ## every fuzz target for FUZZTIME (60s)
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

fuzz-short: $(npm_conformance) ## every fuzz target with 300 inputs
	@FUZZSHORT=1 FUZZTIME=300x scripts/fuzz.sh

soak: bin/tally $(npm_conformance) ## 20 rounds of 1000 clients that leave nothing behind, the stress scenarios for 20 s each, attacks in full size, 20,000 upgrades and 5000 recoveries that are cut, 60 faults of three servers, 200 kills (SOAK=20x1000 STRESS=20s HOSTILE=full DELIVERY=20000x5000x3600 NODE_FAULTS=60 KILLS=200)
	@scripts/soak.sh

hostile: bin/tally ## what one connection can make the server keep at worst, for each row of docs/limits.md, as a table
	@HOSTILE=full go test -count=1 -timeout 10m -json -run '^TestWorstCase$$' ./internal/hostile 2>&1 | bin/tally -v

# The tools have a module of their own, so that the core requires nothing.
bin/staticcheck: tools/go.mod tools/go.sum
	@go -C tools build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck

bin/api: tools/api/main.go
	@go -C tools build -o ../bin/api ./api

bin/typecheck: tools/typecheck/main.go tools/go.mod tools/go.sum
	@go -C tools build -o ../bin/typecheck ./typecheck

bin/tally: tools/tally/main.go
	@go -C tools build -o ../bin/tally ./tally

# The programs that several suites run. Setup builds them before the suites share them.
.PHONY: programs
programs:
	@go build -race -o bin/testserver ./conformance/cmd/testserver
	@go build -race -o bin/testserver-redis ./adapter/redisadapter/internal/conformtest
	@go build -race -o bin/delivery ./conformance/cmd/delivery
	@go build -race -o bin/clientserver ./web/client/test/goserver
	@go build -race -o bin/chat-race ./examples/chat
	@go build -race -o bin/chat-durable-race ./adapter/diskstore/chat
	@go build -race -o bin/chat-cluster-race ./adapter/redisadapter/chat
	@go build -race -o bin/webtransport-example ./engineio/webtransport/example

.PHONY: bench bench-quick bench-million bench-report
bench: ## every row with every server (Bun, Rust, Go, Node), 17 minutes of rounds and some of building: tables, bin/bench/results.json (bench/full.sh -rows ... -servers ... -rounds ...)
	@bench/full.sh
	@bin/bench/million -into bin/bench/results.json

bench-quick: ## ratios to the kernel's floor, a Go WebSocket library and npm socket.io, in 3 minutes
	@bench/quick.sh

bench-million: ## one server with a million sockets in memory: bytes of each, broadcasts, pauses of the collector; needs 4 GiB, limits itself to 6, a minute
	@go -C bench build -o ../bin/bench/ ./cmd/million
	@bin/bench/million

bench-report: ## tables and charts of docs/performance.md from bin/bench/results.json (RESULTS="1.json 2.json")
	@go -C bench build -o ../bin/bench/ ./cmd/report
	@bin/bench/report -doc docs/performance.md -images docs/images $(or $(RESULTS),bin/bench/results.json)

.PHONY: bench-short
bench-short: ## a bit of every row with few servers, 10,000 sockets in memory, and the tests of the benchmark, to see that it runs
	@cd bench && go test -vet=off ./...
	@bench/quick.sh -rounds 1 -idle 100 -clients 30
	@bench/full.sh -rounds 1 -scale 0.02 -slice 20ms -servers ours,floor,barehttp -rows 'idle-plain,echo*,ack,bcast*,rooms,chat,connect,poll,blob,large,tls,deflate' -out bin/bench/short.json
	@bin/bench/million -sockets 1000,10000

.PHONY: bench-cluster
bench-cluster: ## a server in a cluster on Redis beside the npm server and its adapter: CPU time of an event, events each second, as ratios
	@bench/cluster.sh

.PHONY: test-datapath
test-datapath: ## that an event runs through the files that docs/DESIGN.md names
	@go -C tools run ./datapath -dir ..

.PHONY: rename
rename: ## another path for the module, everywhere: make rename MODULE=example.org/you/socketio
	@go -C tools run ./rename -dir .. "$(MODULE)"

.PHONY: mutate
mutate: ## how many of 60 changes of the source the tests notice (SEED, N; ONLY=engineio: of which packages; MATCH=reply.go: of which lines; IN=engineio: the tests of which packages; J=4: runs at once)
	@go -C tools run ./mutate -dir .. -seed "$(or $(SEED),4af93f9)" -n "$(or $(N),60)" -only "$(ONLY)" -match "$(MATCH)" -in "$(IN)" -j "$(or $(J),2)"

.PHONY: api
api: bin/api ## write docs/api.txt: what the public packages export
	@bin/api >bin/api.txt && mv bin/api.txt docs/api.txt

.PHONY: test-api
test-api: bin/api $(npm_conformance) ## that docs/api.txt is up to date, and the table "from Node to Go" complete
	@scripts/test-api.sh

.PHONY: test-frameworks
test-frameworks: $(npm_conformance) ## the server in chi, Gin, Echo and Fiber, with a raw client and the npm client
	@scripts/test-frameworks.sh

.PHONY: test-restarts
test-restarts: bin/tally $(npm_conformance) ## the npm client while a server with the disk store is killed 5 times, and shut down twice
	@go test -race -vet=off -count=1 -tags npm -timeout 10m -run 'TestKilledServer|TestRestartedServer' -json ./adapter/diskstore 2>&1 | bin/tally

matrix = go test -race -vet=off $(1) -count=1 -tags npm -timeout $(2) -run '^Test(Matrix|Mixed|RecoveredElsewhere)$$' -json ./adapter/redisadapter ./adapter/pgadapter 2>&1 | bin/tally -v

.PHONY: test-cluster test-cluster-all
test-cluster: bin/tally $(npm_conformance) ## servers in Go and in Node.js on one Redis, and on one PostgreSQL: each operation of both and of emitters, as a table, with classic and with sharded channels and with streams
	@$(call matrix,-short,10m)

test-cluster-all: bin/tally $(npm_conformance) ## the same in nine ways of using Redis
	@$(call matrix,,30m)

.PHONY: test-valkey
test-valkey: bin/tally ## all tests of adapter/redisadapter with Valkey in place of Redis, where it is installed
	@if command -v valkey-server >/dev/null || command -v valkey-check-rdb >/dev/null; then \
		REDIS_SERVER=valkey-server go test -race -vet=off -count=1 -timeout 30m -json ./adapter/redisadapter/... 2>&1 | bin/tally; \
	else echo "not run: Valkey is not installed; Debian has it since release 13, and 12 among its backports"; fi

.PHONY: test-feed
test-feed: bin/tally $(npm_conformance) ## examples/feed: clients of npm join a feed whose notes are in SQLite, with no gap and no overlap
	@go -C examples/feed test -vet=off -count=1 -timeout 10m -json ./... 2>&1 | bin/tally

.PHONY: test-dialogues
test-dialogues: $(npm_conformance) ## raw requests to the npm server and to ours, compared; differences need a row
	@cd conformance && npm run --silent test:dialogues

%/node_modules/.package-lock.json: %/package-lock.json
	@scripts/again.sh npm --prefix $* ci --ignore-scripts --prefer-offline --silent && touch $@
.PHONY: npm
npm: $(npm_conformance) $(npm_client) $(npm_e2e) $(npm_bench)
