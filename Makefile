# reeve: what there is to do. `make` alone prints this list.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c

GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT         := bin/golangci-lint-$(GOLANGCI_LINT_VERSION)

# The race detector pays where goroutines meet. Elsewhere it only makes the tests five to ten times slower:
# lint and review parse large trees on one goroutine a file, bench measures, and the SQLite store is mostly SQLite
# itself in Go: of it the tests in which goroutines meet are run again with the detector. The catalogue of misuses
# shows them bare as well, and bare some are data races in the driver: its load, which is all guarded, is run again.
WITHOUT_RACE := /lint(/|$$)|/agents/review(/|$$)|/cli/bench(/|$$)|/internal/sqlite$$|/session/internal/catalogue$$
MEETINGS     := TestCloseInTheMidst|TestWaitForTheWriterEnds|TestAnotherConnectionWrites|TestDeletedThreadLeavesNothing
# The packages are asked for when a target runs, not when make reads this file.
PACKAGES = $$(go list ./... | grep -Ev '$(WITHOUT_RACE)')
QUIET    = $$(go list ./... | grep -E '$(WITHOUT_RACE)' || true)
TEST     = go test -shuffle=on -timeout 10m

.DEFAULT_GOAL := help

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/reeve, one static binary
	CGO_ENABLED=0 go build -buildvcs=auto -trimpath -ldflags '-s -w' -o bin/reeve ./cmd/reeve

.PHONY: test
test: needs ## run every test, with the race detector where goroutines meet
	$(TEST) -race $(PACKAGES)
	$(TEST) -race -run '$(MEETINGS)' ./internal/sqlite
	$(TEST) -race -run TestLoad ./session/internal/catalogue
	packages="$(QUIET)"; [ -z "$$packages" ] || $(TEST) $$packages
	for module in $$(.ci/modules); do echo "module $$module"; (cd $$module && $(TEST) ./...); done

.PHONY: quick
quick: needs ## run every test without the race detector
	$(TEST) ./...

.PHONY: needs
needs: ## install or start what the tests need, and say so
	@.ci/needs

.PHONY: regress
regress: ## run the regression suite against a real server
	$(TEST) -race -v ./regress/...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## run golangci-lint, then reeve's own analyzers on reeve
	$(GOLANGCI_LINT) run ./...
	go run ./cmd/reeve vet ./...

# The version stands in the file's name, so that a new pin installs a new linter.
$(GOLANGCI_LINT):
	@mkdir -p bin
	GOBIN="$(CURDIR)/bin" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv bin/golangci-lint $@

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## format every file
	$(GOLANGCI_LINT) fmt ./...

.PHONY: cover
cover: needs ## run every test and print what it covers, package by package
	go test -timeout 10m -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -func=cover.out | tail -n 1

FUZZTIME ?= 10s

.PHONY: fuzz
fuzz: ## fuzz each reader of foreign bytes for FUZZTIME (10s)
	.ci/fuzz $(FUZZTIME)

.PHONY: bench
bench: build ## measure this machine against the budgets (about 5 minutes)
	bin/reeve bench

.PHONY: clean
clean: ## remove what make has built
	rm -rf bin cover.out
