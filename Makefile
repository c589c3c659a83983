# `make check` is everything that CI runs. The tools run by version and are no dependency of the module.

GO       ?= go
LINT     := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 30s
LAST     := go1.26.8 # the two supported releases
NEXT     := go1.27.4
NESTED   := benchmarks durable examples/otel internal/peers # modules that need more than the library may
USED     := . durable # modules that programs import: they are linted, and tested with both releases and for races

.PHONY: check
check: tidy vet lint test next jsonv2 race nested examples

.PHONY: tidy
tidy: # go.mod and go.sum hold what is needed and nothing else
	$(GO) mod tidy -diff
	@for m in $(NESTED); do (cd $$m && $(GO) mod tidy -diff) || exit 1; done

.PHONY: vet
vet:
	@for m in $(USED); do (cd $$m && $(GO) vet ./... && GOARCH=386 $(GO) vet ./...) || exit 1; done

.PHONY: lint
lint:
	@for m in $(USED); do (cd $$m && $(LINT) run ./...) || exit 1; done

.PHONY: test
test:
	$(GO) test ./...

.PHONY: race
race:
	@for m in $(USED); do (cd $$m && $(GO) test -race -short ./...) || exit 1; done

.PHONY: next
next: # the other of the two supported releases, fetched through the module proxy
	@for m in $(USED); do (cd $$m && GOTOOLCHAIN=$(NEXT) $(GO) test -short ./...) || exit 1; done

.PHONY: jsonv2
jsonv2: # the JSON of Go 1.26's experiment; goes when 1.26 leaves support
	GOTOOLCHAIN=$(LAST) GOEXPERIMENT=jsonv2 $(GO) test ./...

.PHONY: nested
nested: # the vendors' own clients against our fakes; the smallest run of the benchmarks
	@for m in $(NESTED); do (cd $$m && $(GO) vet ./... && $(GO) test ./...) || exit 1; done

.PHONY: examples
examples: # what a newcomer runs first
	@for e in quickstart fanout template chatwork hipchat bridge ntfy agent channels; do echo $$e; $(GO) run ./examples/$$e > /dev/null || exit 1; done
	@echo preview; $(GO) run ./examples/preview -o /dev/null

.PHONY: bench-report
bench-report: # benchmarks/RESULTS.md and its plots; fails if a budget is missed; wants a quiet machine for six minutes
	cd benchmarks && $(GO) run . -go "$(LAST) $(NEXT)"

.PHONY: soak
soak: # 100,000 alerts through all services with random faults; -seed repeats a run
	$(GO) test ./internal/soak -v -alerts 100000 -timeout 30m

.PHONY: crash
crash: # 100,000 alerts to thirteen services while processes are killed; takes about half an hour
	cd durable && $(GO) test ./crash -v -run Embedded -alerts 100000 -timeout 3h

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
