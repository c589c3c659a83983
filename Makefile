# `make check` is everything that CI runs. The tools run by version and are no dependency of the module.

GO       ?= go
LINT     := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 30s

.PHONY: check
check: tidy vet lint test race jsonv2 oracle quickstart

.PHONY: tidy
tidy: # go.mod and go.sum hold what is needed and nothing else
	$(GO) mod tidy -diff
	cd internal/oracle && $(GO) mod tidy -diff

.PHONY: vet
vet:
	$(GO) vet ./...
	cd internal/oracle && $(GO) vet ./...

.PHONY: lint
lint:
	$(LINT) run ./...

.PHONY: test
test:
	$(GO) test ./...

.PHONY: race
race:
	$(GO) test -race ./...

.PHONY: jsonv2
jsonv2: # the next encoding/json, which decides some things differently
	GOEXPERIMENT=jsonv2 $(GO) test ./...

.PHONY: oracle
oracle: # our cutting of text, against the Unicode library we do not want to depend on
	cd internal/oracle && $(GO) test ./...

.PHONY: quickstart
quickstart: # what a newcomer runs first
	$(GO) run ./examples/quickstart > /dev/null

.PHONY: bench
bench: # ratios to raw net/http, measured in turns
	$(GO) test -run '^$$' -bench . -benchtime 2s . ./chatwork ./internal/transport

.PHONY: fuzz
fuzz: # every fuzz target for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep ^Fuzz); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

.PHONY: update
update: # write the golden files anew; look at the diff
	$(GO) test ./... -run Golden -update
