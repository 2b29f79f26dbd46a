# What a contributor types. `make ci` is what CI runs.

GOLANGCI_LINT := go tool -modfile=$(CURDIR)/tools/lint.mod golangci-lint

# The modules beside the root. Their dependencies are not for users of the package.
MODULES := otelroq roqriver examples/campaign examples/fleet examples/http-backend examples/webapp browser bench

.PHONY: test race cover fuzz interop browser lint fmt api apidiff bench cost chaos quickstart campaign fleet backend dev webapp ci

test: ## every test
	go test ./...
	for module in $(MODULES); do go -C $$module test ./... || exit; done

race: ## every test under the race detector
	go test -race ./...
	for module in $(MODULES); do go -C $$module test -race ./... || exit; done

cover: ## statement coverage of the root package and internal/, at least 90%
	./tools/cover.sh 90

fuzz: ## every fuzz target, 100,000 inputs each (about a minute in all)
	./tools/fuzz.sh 100000x

interop: ## ROQ's own JavaScript clients compared with this one (needs Node.js and npm)
	./tools/interop.sh

browser: ## the pages in a real browser (installs chromium, axe-core and ROQ's components if they are missing)
	./tools/browser.sh

lint: ## vet, golangci-lint (pinned in tools/lint.mod), gofmt
	go vet ./...
	$(GOLANGCI_LINT) run ./...
	for module in $(MODULES); do (cd $$module && go vet ./... && $(GOLANGCI_LINT) run --config $(CURDIR)/.golangci.yml ./...) || exit; done
	test -z "$$(gofmt -l .)"

fmt:
	gofmt -w .

apidiff: ## compares the exported API with that of the last tag, or of tools/api.baseline
	./tools/apidiff.sh

api: ## writes tools/api.baseline, for apidiff in a repository without tags
	./tools/apidiff.sh -write

bench: ## the cost of a call compared with other clients, takes minutes; writes docs/performance.md
	./tools/bench.sh -write

cost: ## the cost of one UserInvites call compared with net/http and encoding/json
	go test -run '^Test(UserInvites|Tracer)Cost$$' -count=1 -v . -measure

chaos: ## every fault on every operation, takes minutes; writes docs/reliability.md
	go test -count=1 -timeout 90m -parallel 1 -v ./internal/chaos -full -write

quickstart: ## the quickstart on its own platform
	go run ./examples/quickstart

campaign: ## ten thousand invites from a CSV file, on a platform inside the program
	go -C examples/campaign run .; test $$? -le 1

fleet: ## 20,000 invites by three processes that are killed at random, on a platform inside the program
	go -C examples/fleet run . -kill

backend: ## a JSON API around the invites, with a platform inside the program
	go -C examples/http-backend run . -demo

dev: ## a platform on this machine, for development
	go run ./cmd/roqdev

webapp: ## invitations in a web application, with roqdev beside it
	./tools/webapp.sh

ci:
	./.ci/run
