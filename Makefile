# The contributors' targets; `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.local/bin:$(PATH)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: ## Install the missing tools on this machine (other targets install what they need)
	@deploy/local/setup

.PHONY: run
run: ## Start the whole system with a demo on private databases, until Ctrl-C
	@deploy/local/run

.PHONY: test
test: ## Run all tests against private databases
	@deploy/local/setup databases nextest
	@deploy/local/doc-tests
	@deploy/local/with-progress 'building the services' cargo build --workspace --bins
	@deploy/local/with-progress 'building the tests' cargo nextest run --workspace --no-run
	@deploy/local/with-databases -- cargo nextest run --workspace --no-fail-fast

.PHONY: bench
bench: ## Measure performance against its targets, on private databases (one figure: make bench ONLY=latency)
	@deploy/local/setup databases nginx
	@deploy/local/with-progress 'building igctl for release' cargo build --release --package igctl
	@deploy/local/with-databases -- cargo bench --package ig-tests --bench bench -- $(ONLY)

# Not part of CI: it takes minutes, needs Python, and downloads from PyPI the first time.
.PHONY: conformance
conformance: ## Test a running gateway against its API description (takes minutes and needs Python; not in CI)
	@deploy/local/setup databases
	@deploy/local/with-progress 'building the services' cargo build --workspace --bins
	@deploy/local/conformance

.PHONY: fmt
fmt: ## Format the code
	@cargo fmt --all

.PHONY: fmt-check
fmt-check:
	@cargo fmt --all --check

.PHONY: clippy
clippy:
	@deploy/local/with-progress 'checking lints' cargo clippy --workspace --all-targets -- -D warnings

.PHONY: lint
lint: fmt-check clippy ## Check formatting and lints

.PHONY: docs
docs: ## Build the API documentation; a broken link fails
	@RUSTDOCFLAGS='-D warnings' deploy/local/with-progress 'building the documentation' cargo doc --workspace --no-deps

.PHONY: licences
licences: ## Check licences, sources and versions of dependencies
	@deploy/local/setup deny
	@cargo deny --log-level error check --hide-inclusion-graph licenses bans sources

.PHONY: advisories
advisories: ## Check dependencies against known vulnerabilities
	@deploy/local/setup deny
	@deploy/local/advisories

# The cheapest first. CI runs exactly this.
CI_STAGES := fmt-check licences advisories clippy docs test

.PHONY: ci
ci: ## Run all checks and tests, as CI does
	@deploy/local/setup
	@for stage in $(CI_STAGES); do \
		echo "== $$stage (of $(CI_STAGES))"; \
		began=$$SECONDS; \
		$(MAKE) $$stage; \
		echo "== $$stage took $$((SECONDS - began)) s, $$SECONDS s in all"; \
	done

.PHONY: clean
clean: ## Remove what was built here; the cache folder stays
	@cargo clean --quiet
	@rm -rf .run
