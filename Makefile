# The one entry point: every target sets up what it needs first. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# The first Python on PATH that runs and is 3.11 or newer; `make PYTHON=... setup` names another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
UV := $(shell command -v uv 2>/dev/null)
ifdef UV
INSTALL := uv pip install --quiet --python $(BIN)/python
else
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
endif
PIN := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group build
RUN_STAMP := $(VENV)/.stamp-run
DEV_STAMP := $(VENV)/.stamp-dev
BENCH_VENV := .bench-venv
BENCH_STAMP := $(BENCH_VENV)/.stamp

# $(call new_venv,FOLDER): an environment, or none at all: half of one would be taken for a whole one the next time.
define new_venv
	@[ -n "$(PYTHON)" ] || { echo "slackwater needs Python 3.11 or newer: none found on PATH" >&2; exit 1; }
	@echo "== making $(1) with $(PYTHON)"
	@$(PYTHON) -m venv $(1) || { rm -rf $(1); $(PYTHON) -c 'import ensurepip' 2> /dev/null \
		|| echo "slackwater needs Python's ensurepip: $(PYTHON) has none; on Debian and Ubuntu install python3-venv" >&2; exit 1; }
endef

.PHONY: help setup demo test test-deep check bench cross-check requirements clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV_STAMP) ## Make .venv from the hash-pinned requirements, tools included

demo: $(RUN_STAMP) ## Set up, make a synthetic tape, back-test it and write the report
	@echo "== slackwater demo"
	@$(BIN)/slackwater demo

test: $(DEV_STAMP) ## Set up and run the tests
	@echo "== pytest: everything but the deep tests"
	@$(BIN)/python -m pytest -n auto -m "not deep" -q

test-deep: $(DEV_STAMP) ## All tests, then the unit tests with bounds checks, then without compilation
	@echo "== pytest: everything, deep tests included"
	@$(BIN)/python -m pytest -n auto -q
	@echo "== pytest: unit tests with bounds checks in compiled code"
	@NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest -n auto -m "not deep" -q tests/unit
	@echo "== pytest: unit tests without compilation"
	@NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n auto -m "not deep" -q tests/unit

check: $(DEV_STAMP) ## Lint, formatting, types, import layers, house rules
	@echo "== ruff check";          $(BIN)/ruff check .
	@echo "== ruff format --check"; $(BIN)/ruff format --check .
	@echo "== mypy --strict";       $(BIN)/mypy
	@echo "== import layers";       $(BIN)/lint-imports
	@echo "== house rules";         $(BIN)/python -m pytest -q tests/house

bench: $(RUN_STAMP) $(BENCH_STAMP) ## Measure throughput on this machine beside hftbacktest (BENCH="--events N --rounds N --json")
	@$(BIN)/python benchmarks/compare.py --python $(BENCH_VENV)/bin/python $(BENCH)

cross-check: $(RUN_STAMP) $(BENCH_STAMP) ## Compare fills with hftbacktest on one order schedule (CROSS="--run RUN" or "--tape TAPE --seed N")
	@$(BIN)/python benchmarks/cross_check.py --python $(BENCH_VENV)/bin/python $(CROSS)

requirements: $(DEV_STAMP) ## Pin the newest allowed versions of all dependencies, with hashes
	$(PIN) --upgrade pyproject.toml -o requirements.txt
	$(PIN) --upgrade --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean: ## Remove the virtual environments, caches and packages; data and runs stay
	rm -rf $(VENV) $(BENCH_VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	$(call new_venv,$(VENV))

# The stamps let a second run start at once; the tools' set contains the runtime's, so it stands for both.
$(RUN_STAMP): requirements.txt pyproject.toml | $(BIN)/python
	@echo "== installing requirements.txt"
	@$(INSTALL) --require-hashes -r requirements.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): requirements-dev.txt requirements.txt pyproject.toml | $(BIN)/python
	@echo "== installing requirements-dev.txt"
	@$(INSTALL) --require-hashes -r requirements-dev.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $(RUN_STAMP) $@

# hftbacktest pins its own NumPy and Numba, so it never meets ours.
$(BENCH_STAMP): benchmarks/requirements.txt
	$(call new_venv,$(BENCH_VENV))
	@echo "== installing hftbacktest"
ifdef UV
	@uv pip install --quiet --python $(BENCH_VENV)/bin/python --require-hashes -r $<
else
	@$(BENCH_VENV)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
endif
	@touch $@
