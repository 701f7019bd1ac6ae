# Everything a person does with this project. `make help` lists it.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NODE_READY := examples/convex/node_modules/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-full check lint format bench samples lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) $(NODE_READY) ## make .venv with all packages of locks/cpu.txt

$(READY): pyproject.toml locks/cpu.txt
	@echo "setup: installing Python packages into $(VENV) (about 2.3 GB; two minutes at 20 MB/s)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint locks/cpu.txt --editable '.[asr,local,dev]'
	@touch $@

$(NODE_READY): examples/convex/package-lock.json
	@if command -v npm >/dev/null; then \
	  echo "setup: installing the Node packages that run the reference Convex functions in tests"; \
	  npm ci --silent --ignore-scripts --no-audit --no-fund --prefix examples/convex && touch $@; \
	else \
	  echo "setup: npm is not there: the reference Convex functions will not be tested"; \
	fi

demo: $(READY) ## watch recordings go through the whole chain on this machine
	$(BIN)/klipscribe demo

up: $(READY) ## run the local cloud until Ctrl-C
	$(BIN)/klipscribe up

test: $(READY) $(NODE_READY) ## the tests, under 15 minutes on two cores
	$(BIN)/python -m pytest -m "not full" --cov --cov-report=term

test-full: $(READY) $(NODE_READY) ## the slow tests that make test leaves out
	$(BIN)/python -m pytest -m full

check: lint test ## format, lint, types, import rules and the tests

lint: $(READY) ## format, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## measure this machine, and compare with NeMo's own way (about an hour)
	for run in decode engine coldstart; do $(BIN)/klipscribe bench $$run --out bench-results || exit 1; done

samples: $(READY) ## make the sample recordings anew (needs espeak-ng)
	$(BIN)/python scripts/make_samples.py

lock: $(READY) ## write the versions that are installed now into locks/cpu.txt
	$(BIN)/python scripts/lock.py > locks/cpu.txt.new && mv locks/cpu.txt.new locks/cpu.txt

clean: ## remove what setup and the checks made
	rm -rf $(VENV) examples/convex/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
