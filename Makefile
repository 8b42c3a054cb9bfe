# What this project's people type. `make help` lists it. Only two need more than
# Go: `race` a C compiler, `interop` Java and Maven.

GO ?= go
FUZZTIME ?= 10s
SEEDS ?= 5000
FIRST ?= 0
# The linter is run from its module, pinned here and not in go.mod, so that what
# it depends on stays out of the program's own dependencies.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Directories of packages whose tests hold a benchmark or a fuzz target.
packages_with = $$(grep -rlE --include='*_test.go' '^func $(1)[A-Z]' . | xargs -n 1 dirname | sort -u)

.DEFAULT_GOAL := help

.PHONY: build
build: ## build the program as ./brokerlab
	$(GO) build -o brokerlab ./cmd/brokerlab

.PHONY: test
test: ## run every test
	$(GO) test ./...

.PHONY: lint
lint: ## gofmt, go vet and staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

.PHONY: cross
cross: ## check that it builds on macOS too
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) build ./...
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) vet ./...

.PHONY: race
race: ## run the tests of everything that runs tasks under the race detector
	$(GO) test -race ./engine/... ./disks/... ./scenarios/... ./workloads/...

.PHONY: bench
bench: ## print the ratios to plain loops, in BENCH_DIR if set (5 minutes)
	$(GO) run ./cmd/bench --dir "$(BENCH_DIR)" $(BENCH_FLAGS)

.PHONY: bench-peers
bench-peers: ## the same beside other logs, Apache Kafka too where java and mvn are (10 minutes)
	@cd cmd/peerbench && jars=$$(if type java mvn >/dev/null 2>&1; then kafka/fetch.sh; fi) && \
		$(GO) run . --dir "$(abspath $(BENCH_DIR))" --kafka "$$jars" $(BENCH_FLAGS)

.PHONY: bench-go
bench-go: ## run every benchmark of the packages
	$(GO) test -run '^$$' -bench . -benchmem $(call packages_with,Benchmark)

# Go makes each input that is new smaller for up to a minute, in which it finds nothing.
.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (10s)
	@set -e; for package in $(call packages_with,Fuzz); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package; \
		done; \
	done

# The test program is run as it is, since go test keeps its progress back.
.PHONY: explore
explore: ## run SEEDS (5000) faulty clusters from seed FIRST (0) on, to the first that breaks a promise
	@set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
		$(GO) test -c -o "$$dir/swarm.test" ./engine/clustertest; cd engine/clustertest; \
		"$$dir/swarm.test" -test.run '^TestSwarm$$' -test.timeout 0 -seeds $(SEEDS) -first $(FIRST)

.PHONY: demo
demo: ## run the quickstart: three brokers on this disk, under 30 s
	$(GO) run ./cmd/brokerlab run quickstart

.PHONY: interop
interop: ## let Apache Kafka read our logs, and read Kafka's (needs Java 17 and Maven)
	$(GO) run ./cmd/interop

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
