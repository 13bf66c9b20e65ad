# make chat   installs into .venv, ingests the corpus, serves the chat page
# make test   installs what tests need, runs them all with ruff and mypy
.PHONY: chat test soak bench bench-answers bench-ingest bench-page bench-quality baseline

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

chat: .venv/installed
	@$(BIN)/career-advisor ingest
	@exec $(BIN)/career-advisor chat

# what is compiled is kept, whatever the environment says: each process of the tests starts sooner; tests/conftest.py tells which worker runs what
test: .venv/installed-dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not soak" -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

# CAREER_SECURITY_DATA=folder shows the page its collected payloads too
soak: .venv/installed-dev
	@$(BIN)/python -m pytest -m "soak or sampled"

# how fast it is, beside what the machine can do and, where .venv-peers is there, beside other libraries; CHUNKS=1000 ROUNDS=5, DRAWN=1 draws the vectors
bench: .venv/installed-dev
	@$(BIN)/python -m tests.benchmarks.speed --chunks $(or $(CHUNKS),1000) --rounds $(or $(ROUNDS),5) $(if $(DRAWN),--drawn) \
	  $(if $(wildcard .venv-peers/bin/python),--peers .venv-peers/bin/python)

# what the page costs in seconds and memory, beside LangChain's tutorial where .venv-peers is there; CHUNKS=100000 draws their vectors
bench-page: .venv/installed-dev
	@$(BIN)/python -m tests.benchmarks.page --rounds $(or $(ROUNDS),3) $(if $(CHUNKS),--chunks $(CHUNKS)) \
	  $(if $(wildcard .venv-peers/bin/python),--peers .venv-peers/bin/python)

# ARTICLES=folder takes other articles than corpus/articles, SPLIT=tune the other half of the questions, QUESTIONS=file others
bench-answers: .venv/installed-dev
	@$(BIN)/python -m tests.benchmarks.answers --split $(or $(SPLIT),report) $(if $(ARTICLES),--articles $(ARTICLES)) $(if $(QUESTIONS),--questions $(QUESTIONS))

# the project on public sets, beside its rivals: DATA=folder, SETS=scifact,squad2, PART=report|tune|all, PEERS=0, JSON=file, CACHE=folder
bench-quality: $(if $(DATA),.venv/installed-dev $(if $(filter 0,$(PEERS)),,.venv-peers/installed))
ifdef DATA
	@$(BIN)/python -m tests.benchmarks.quality --data '$(DATA)' $(if $(SETS),--sets $(SETS)) $(if $(PART),--part $(PART)) \
	  $(if $(filter 0,$(PEERS)),,--peers .venv-peers/bin/python) $(if $(JSON),--json '$(JSON)') $(if $(CACHE),--cache '$(CACHE)')
else
	@echo "Name the folder of the public sets, as in: make bench-quality DATA=folder (README says where each set is published)." >&2; exit 2
endif

# DATA=folder that holds corpus.jsonl, ARTICLES=how many of it
bench-ingest: .venv/installed-dev
	@$(BIN)/python -m tests.benchmarks.ingest --data $(or $(DATA),.) $(if $(ARTICLES),--articles $(ARTICLES))

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

# a peer that cannot be installed does not keep the others from it; the benchmark says why it is left out
.venv-peers/installed: tests/benchmarks/quality/peers.txt
	@echo "Installing the peers into .venv-peers (the first time takes some minutes) ..."
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip --disable-pip-version-check install --quiet --requirement $< \
	  || grep -v '^#' $< | xargs -n 1 .venv-peers/bin/python -m pip --disable-pip-version-check install --quiet || true
	@touch $@
