# `make check` is everything that CI runs. The tools run by version and are no dependency of the module.

GO       ?= go
LINT     := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 10s
LAST     := go1.26.8 # the two supported releases
NEXT     := go1.27.4
NESTED   := benchmarks durable examples/otel internal/peers # modules that need more than the library may
BROWSER  := internal/browser # one more, whose tests need Chromium
DOCS     := internal/docs # one more, which reads files of all modules
USED     := . durable # modules that programs import: they are linted, and tested with both releases and for races

.PHONY: check
check: tidy vet lint test next jsonv2 race nested docs examples browser fuzz-some

.PHONY: tidy
tidy: # go.mod and go.sum hold what is needed and nothing else
	$(GO) mod tidy -diff
	@for m in $(NESTED) $(BROWSER) $(DOCS); do (cd $$m && $(GO) mod tidy -diff) || exit 1; done

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
nested: # the vendors' own clients against our fakes; the benchmarks compile
	@for m in $(NESTED); do (cd $$m && $(GO) vet ./... && $(GO) test -timeout 30m ./...) || exit 1; done

.PHONY: docs
docs: # the pages: code, links, commands; -count=1, because go test does not see changes outside of the module
	cd $(DOCS) && $(GO) vet ./... && $(GO) test -count=1 ./...

.PHONY: peers-npm
peers-npm: # clients of npm against our fakes; needs Node.js and npm
	cd internal/peers/npm && npm ci --no-audit --no-fund --loglevel error
	cd internal/peers && $(GO) vet -tags npm . && $(GO) test -count 1 -tags npm -run NPM .

.PHONY: peers-debian
peers-debian: # programs of Debian against our fakes: curl, msmtp, swaks, python3, aws; those not installed are skipped
	cd internal/peers && $(GO) vet -tags debian . && $(GO) test -count 1 -tags debian -run Debian .

.PHONY: peers-slow
peers-slow: # clients that take minutes to compile: Alertmanager and the nats command
	cd internal/peers && $(GO) vet -tags slow . && $(GO) test -count 1 -tags slow -run 'Alertmanager|Natscli' .

.PHONY: examples
examples: # what a newcomer runs first
	@for e in quickstart fanout template chatwork hipchat bridge ntfy agent channels; do echo $$e; $(GO) run ./examples/$$e > /dev/null || exit 1; done
	@echo preview; $(GO) run ./examples/preview -o /dev/null

.PHONY: browser
browser: # the pages of examples/preview in Chromium; SHOTS=/a/folder also writes screenshots to the folder
	cd $(BROWSER) && $(GO) vet ./...
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then \
		cd $(BROWSER) && $(GO) test -count=1 . $(if $(SHOTS),-shots "$(abspath $(SHOTS))"); \
	else echo "browser: Chromium is not installed, so the pages are not tried"; fi

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
fuzz: # every fuzz target of all modules for FUZZTIME
	.ci/fuzz $(FUZZTIME)

.PHONY: fuzz-some
fuzz-some: # the next three targets; CI has no time for all
	.ci/fuzz 10s 3

.PHONY: mutants
mutants: # changes one line at a time, and fails if no test notices; MUTANTS="-budget 30m -seed 7 route", see internal/mutants
	nice $(GO) run ./internal/mutants $(MUTANTS)

.PHONY: links
links: # asks for every address of another server in pages and comments; needs the Internet
	cd internal/docs && $(GO) run ./links

.PHONY: release-check
release-check: # what would break programs, against the last tag or BASE=<commit>
	.ci/release-check

.PHONY: update
update: # write the golden files anew; look at the diff
	$(GO) test ./... -run Golden -update
