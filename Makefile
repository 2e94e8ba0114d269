# `make demo` and `make test` need only Python >= 3.11, pip and make; both make .venv when it is not there.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
WHOLE  := $(VENV)/.whole

.DEFAULT_GOAL := help
.PHONY: help demo quick test check lint types imports soak bench bench-peers docs reference mutants clean

help:  ## list the targets
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Upriver needs Python 3.11 or newer, not " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(READY)

$(WHOLE): $(READY) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[check]'
	@touch $(WHOLE)

demo: $(READY)  ## build sample_data and print its freshness
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[ml]'
	$(BIN)/upriver -C sample_data build
	$(BIN)/upriver -C sample_data status

quick: $(READY)  ## the fast lane, within a minute: style, imports, and the tests that take no processes and no screens
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "not soak and not slow" tests

test: $(READY)  ## run all tests that need nothing heavy; what failed beside others runs once more, alone
	$(BIN)/python -m pytest -n 2 --dist loadfile tests || { \
	  test $$? -eq 1 || exit 1; \
	  echo "=== Once more, alone: a test that passes now is UNSTABLE, and to be mended ==="; \
	  $(BIN)/python -m pytest --last-failed --last-failed-no-failures none -v tests; }

check: export CI := true
check: $(WHOLE) lint types imports test  ## everything that a change has to pass: installs the heavy parts, skips nothing

lint: $(READY)  ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(WHOLE)  ## mypy, strict
	$(BIN)/mypy

imports: $(READY)  ## who may import whom
	$(BIN)/lint-imports

soak: $(WHOLE)  ## long random runs: hundreds of kills, thousands of edits
	$(BIN)/python -m pytest -n 2 -m soak --timeout 7200 tests

bench: $(READY)  ## the figures of the README, measured here
	$(BIN)/python -m benchmarks

bench-peers: $(READY)  ## the same chains of assets in Hamilton, Dagster and Prefect, which it installs beside this
	$(BIN)/python -m benchmarks.peers $(VENV)/peers

docs: $(READY)  ## the documentation as a site, in site/
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

reference: $(READY)  ## docs/commands.md and the man page, made anew from the parsers
	$(BIN)/python -m upriver.tui.cli.manual markdown > docs/commands.md
	$(BIN)/python -m upriver.tui.cli.manual man > docs/upriver.1

mutants: $(READY)  ## small changes of what decides about freshness that no test notices (takes an hour)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	$(BIN)/python -m tests.mutants

clean:  ## remove what the targets have made
	rm -rf $(VENV) site sample_data/.upriver .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
