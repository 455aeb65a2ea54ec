# Two commands matter: `make run` and `make test`.

# One set of tags everywhere: every other set compiles SQLite again.
export GOFLAGS = -buildvcs=false -tags=sqlite_fts5,sqlite_omit_load_extension,osusergo,netgo
export CGO_ENABLED = 1

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo none)
LDFLAGS  = -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
TOOLS    = go tool -modfile=.ci/tools/go.mod

.PHONY: run demo build test check generate css fmt bench soak crash fuzz mutants lint clean

run: ## build and serve on 127.0.0.1:8080 with data in ./data
	@mkdir -p bin
	go build -ldflags '$(LDFLAGS)' -o bin/latchkey-dev ./cmd/latchkey
	exec ./bin/latchkey-dev serve

demo: ## the same with the built-in demo model and sample data, in a throw-away folder
	@mkdir -p bin
	go build -ldflags '$(LDFLAGS)' -o bin/latchkey-dev ./cmd/latchkey
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	./bin/latchkey-dev sample --data "$$dir/data" || exit; \
	./bin/latchkey-dev serve --demo --data "$$dir/data" & pid=$$!; \
	trap 'kill -TERM $$pid 2>/dev/null' INT TERM; \
	wait $$pid; ended=$$?; wait $$pid 2>/dev/null; [ $$ended -gt 128 ] || exit $$ended

build: ## one static binary
	@mkdir -p bin
	go build -ldflags '$(LDFLAGS) -linkmode external -extldflags "-static"' -o bin/latchkey ./cmd/latchkey

generate: ## templ components
	go tool templ generate -include-version=false -path views

css: ## the style sheet and the compressed assets (needs Node)
	sh static/src/build.sh

fmt:
	$(TOOLS) gofumpt -l -w $$(git ls-files '*.go' | grep -v _templ.go)

check: ## everything but the browser
	sh .ci/check

test: ## everything, browser included; installs what it needs where it may
	sh .ci/test

bench: ## ratios against a floor in the same run
	go build -ldflags '$(LDFLAGS)' -o bin/latchkey ./cmd/latchkey
	go run ./internal/bench -binary bin/latchkey

soak: ## the full numbers: bursts, lives of the ledger, slow clients, long streams (hours)
	go test -race -count=1 -timeout 1h ./internal/gateway -run TestBurst -bursts 50
	go test -count=1 -timeout 12h ./db -run TestLedgerAgainstTheModel -rapid.checks 10000 -rapid.steps 200
	go test -count=1 -timeout 2h ./internal/e2e -run 'TestSlowClients|TestStreamsHold' -slow 1400 -streams 500 -hold 30m

crash: ## killed a thousand times under load (an hour or two)
	go test -count=1 -timeout 6h ./db -run TestKill -kills 1000
	go test -count=1 -timeout 6h ./internal/e2e -run TestKilledUnderLoad -kills 1000

fuzz: ## each fuzzer for a minute
	sh .ci/fuzz 60s

mutants: ## one condition turned around at a time, and the tests must notice (hours)
	go run ./internal/mutants

lint: ## golangci-lint; minutes to build the first time
	go tool -modfile=.ci/lint/go.mod golangci-lint run

clean:
	rm -rf bin
