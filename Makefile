# Apportion: everything one does with a checkout. `make` alone lists the targets.
# Needs Python 3.11 or newer and nothing else to run; Node checks the queries in `make test`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
STATE := .apportion
CODE := portal governance billing inventory tenancy connectors simulator tests benchmarks manage.py
# Only what is there: a folder that has nothing yet is no error.
PRESENT := $(wildcard $(CODE))

# Linters load the settings but reach no service: these values only have to be well-formed.
LINT_ENV := DJANGO_SETTINGS_MODULE=portal.settings \
	APPORTION_SECRET_KEY=for-linters-only-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ \
	APPORTION_DATABASE_URL=postgresql://apportion_app@127.0.0.1:1/apportion \
	APPORTION_DATABASE_OWNER_URL=postgresql://apportion_owner@127.0.0.1:1/apportion \
	APPORTION_REDIS_URL=redis://127.0.0.1:1/0 \
	APPORTION_ALLOWED_HOSTS=portal.example \
	APPORTION_TRUSTED_ORIGINS=https://portal.example \
	APPORTION_HTTPS=true

.PHONY: help demo dev test lint format bench reset install-demo install-dev browser node

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: install-demo ## Start everything with a simulated Azure and a month of data (ONCE=1: tell the story, then stop)
	@ONCE='$(ONCE)' exec $(PY) -m portal.demo

dev: install-demo ## Start database, broker, worker, beat and web; no story (SIMULATOR=1: with a simulated Azure)
	@APPORTION_SIMULATOR='$(SIMULATOR)' exec $(PY) -m portal.supervisor

test: install-dev browser node lint ## Lint, types, architecture and all tests
	@exec $(PY) -m pytest -n auto --dist loadfile $(ARGS)

lint: install-dev ## Rules, format, types, templates, import contracts, deployment checks
	@$(VENV)/bin/ruff check $(PRESENT)
	@$(VENV)/bin/ruff format --check $(PRESENT)
	@$(LINT_ENV) $(VENV)/bin/mypy $(PRESENT)
	@if [ -d templates ]; then $(VENV)/bin/djlint --lint --quiet templates; fi
	@$(VENV)/bin/lint-imports
	@$(LINT_ENV) $(PY) manage.py check --deploy --fail-level WARNING
	@$(LINT_ENV) $(PY) manage.py makemigrations --check --dry-run

format: install-dev ## Put code and templates into the house's form
	@$(VENV)/bin/ruff check --fix --exit-zero $(PRESENT)
	@$(VENV)/bin/ruff format $(PRESENT)
	@if [ -d templates ]; then find templates -name '*.html' -exec $(VENV)/bin/djade --target-version 5.2 {} + || true; fi

bench: install-dev ## Measure speed as ratios to COPY and to DuckDB (SIZE=1m for a million rows, DOCS=1)
	@exec $(PY) -m benchmarks --size $(or $(SIZE),200k) --meters $(or $(METERS),100k) \
		$(if $(ONLY),--only $(ONLY)) $(if $(DOCS),--docs)

reset: ## Forget all local state: database, broker, simulator, logs
	@deploy/reset.sh $(STATE)

install-demo:
	@deploy/install.sh demo

install-dev:
	@deploy/install.sh dev

browser:
	@deploy/browser.sh

node:
	@deploy/node.sh
