# Everything runs from a fresh clone with Python 3.11+ and GNU make; the environment is built in .venv on first use.
.DEFAULT_GOAL := check
.PHONY: demo test check types quick interpreters docs bench soak servers jaeger loki tempo test-servers clean help
SHELL := /bin/sh

# Pages, reports and tests start many processes; without kept bytecode each would compile the whole program again.
unexport PYTHONDONTWRITEBYTECODE

# `make check PYTHON=python3.13` has an environment of its own beside the usual one.
VENV := .venv$(if $(filter command,$(origin PYTHON)),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# pip would compile on one core what all can do; some libraries carry files for other Pythons, which do not compile.
COMPILED := $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib workbench || true
WORKERS ?= 2
# Many tests wait for a server, a browser or a clock: four of them keep two cores busy, or three of the long ones.
TEST_WORKERS ?= 4
SOAK_WORKERS ?= 3

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-17s %s\n", $$1, $$2}'

demo: $(VENV)/.installed ## the dashboard over the demo archive, at a printed address
	@$(BIN)/workbench demo start

test: $(VENV)/.developer servers ## all tests but soak, the real servers included
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile -m "not soak" --durations 25 --doctest-modules \
	  --ignore=workbench/store/migrations workbench tests

check: $(VENV)/.developer ## lint, types, import table, quick tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(MAKE) --no-print-directory -j 2 types quick

# The two halves of `make check` that take long, side by side: types are one process.
types: $(VENV)/.developer
	@$(BIN)/mypy

quick: $(VENV)/.developer
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile -m "not live and not slow and not soak" \
	  --ignore=tests/live --ignore=tests/pages

interpreters: ## `make check` on every Python from 3.11 on that is here
	@for python in python3.11 python3.12 python3.13 python3.14; do \
	  "$$python" -c 'import sys, venv, ensurepip' >/dev/null 2>&1 || continue; \
	  echo "== $$($$python -V)"; $(MAKE) --no-print-directory check PYTHON="$$python" || exit 1; \
	done

docs: $(VENV)/.developer ## the documentation as a site in build/docs; warnings are errors, nothing is fetched
	@$(BIN)/python -m sphinx -q -W --keep-going -j auto -b html docs build/docs
	@echo "build/docs/index.html"

bench: $(VENV)/.developer ## ours, the peer's and the ratio
	@for bench in tests/benchmarks/[!_]*.py; do echo "== $$bench"; $(BIN)/python "$$bench" || exit 1; done

soak: $(VENV)/.developer servers ## long runs, storms, kill -9
	@$(BIN)/python -m pytest -m soak -n $(SOAK_WORKERS) --dist worksteal --durations 25 tests

servers: ## install what the live tests need (Debian as root) or say what is missing
	@tests/servers/setup.sh

jaeger: ## build the Jaeger that live tests of spans use, once, with the Go at hand (minutes)
	@tests/servers/setup.sh jaeger

loki: ## build the Loki that live tests of log lines use, once, with the Go at hand (minutes)
	@tests/servers/setup.sh loki

tempo: ## say how the tests run on a real Tempo, which is not built here
	@tests/servers/setup.sh tempo

test-servers: $(VENV)/.developer servers ## all conformance tests on whatever servers are there (nightly)
	@$(BIN)/python -m pytest -q -m "live or slow" tests/query/test_log_conformance.py tests/query/test_elastic_mappings.py \
	  tests/query/test_elastic_rows.py tests/query/test_span_sources.py tests/live tests/archive/test_archive_objects.py

clean: ## remove the environment, the unpacked servers and all caches; the archives stay
	rm -rf .venv .venv-* .servers .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find workbench tests pages -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is older than pyproject.toml when the dependencies may have changed.
$(VENV)/.python:
	@for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3 python); do \
	  "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	  "$$python" -m venv $(VENV) && touch $@ && exit 0; \
	done; \
	echo "No Python 3.11 or newer with venv found (tried $(or $(PYTHON),python3.11 to python3.14, python3, python)): install one, or run make PYTHON=/path/to/python3." >&2; exit 1

$(VENV)/.installed: pyproject.toml | $(VENV)/.python
	@echo "Installing the workbench into $(VENV) (once) ..."
	@$(PIP) install --no-compile --editable '.[fast]'
	@$(COMPILED)
	@touch $@

$(VENV)/.developer: pyproject.toml | $(VENV)/.python
	@echo "Installing the workbench and its test tools into $(VENV) (once) ..."
	@$(PIP) install --no-compile --editable '.[fast,dev]'
	@$(COMPILED)
	@touch $(VENV)/.installed $@
