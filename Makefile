# Two commands do all the set-up on a fresh Debian machine with Python 3.11: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUNDLE ?= models/demo
SEEDS ?= 0-99

.DEFAULT_GOAL := help

.PHONY: help demo test lint types format proto proto-check demo-bundle evaluate parity clean

help: ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# A stamp per set of extras, renewed when the pins change.
$(VENV)/.installed-demo: $(BIN)/python pyproject.toml proto/pyproject.toml
	$(BIN)/pip install --quiet -e ./proto -e ".[runtime,cpu,phantom]"
	@touch $@

# torch and nnunetv2 stand in one command, so that the pinned torch is the one nnunetv2 gets.
$(VENV)/.installed-dev: $(BIN)/python pyproject.toml proto/pyproject.toml
	$(BIN)/pip install --quiet "torch==2.13.0" "nnunetv2==2.8.1" -e ./proto -e ".[dev]"
	@touch $@ $(VENV)/.installed-demo

demo: $(VENV)/.installed-demo ## Install, start the server, analyse a phantom and a real series over gRPC
	$(BIN)/python -m demo --bundle $(BUNDLE) --out out/demo

test: $(VENV)/.installed-dev ## Install and run every test
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev ## Format check, lint, types, import contracts, generated stubs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python proto/generate.py --check

format: $(VENV)/.installed-dev ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

proto: $(VENV)/.installed-dev ## Make the gRPC stubs again
	$(BIN)/python proto/generate.py

evaluate: $(VENV)/.installed-dev ## Measure the bundle on phantoms no fold has seen
	$(BIN)/python -m benchmarks.evaluate_model --bundle $(BUNDLE) --seeds $(SEEDS) --out benchmarks/results/demo_model.json

clean: ## Remove what the commands made
	rm -rf out build *.egg-info proto/*.egg-info .mypy_cache .ruff_cache .pytest_cache
