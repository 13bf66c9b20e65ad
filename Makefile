# make chat   installs into .venv, ingests the corpus, serves the chat page
# make test   installs what tests need, runs them all with ruff and mypy
.PHONY: chat test soak bench-answers baseline

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

chat: .venv/installed
	@$(BIN)/career-advisor ingest
	@exec $(BIN)/career-advisor chat

test: .venv/installed-dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/python -m pytest -m "not soak"

soak: .venv/installed-dev
	@$(BIN)/python -m pytest -m "soak"

# ARTICLES=folder takes other articles than corpus/articles, SPLIT=tune the other half of the questions
bench-answers: .venv/installed-dev
	@$(BIN)/python -m tests.benchmarks.answers --split $(or $(SPLIT),report) $(if $(ARTICLES),--articles $(ARTICLES))

# renews tests/baseline, which `make test` holds answers to; its comparison belongs into the commit's message
baseline: .venv/installed-dev
	@$(BIN)/python -m tests.benchmarks.baseline

.venv/installed: pyproject.toml constraints.txt
	@echo "Installing into .venv (the first time takes some minutes) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=...")'
	@$(PYTHON) -m venv .venv
	@$(PIP) --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	@echo "Installing what the tests need ..."
	@$(PIP) --editable '.[dev]'
	@touch $@
