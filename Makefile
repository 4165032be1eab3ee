# make run    archive the bundled example (needs a package index once; the run itself needs no network)
# make test   everything CI checks: format, lint, types, import floors, tests
# make lint   the quick half of it
# make check  the developer's loop, a minute and a half: lint and the tests that need no other program, without those
#             marked slow (they take seconds, and their subject has quicker ones), commands forked and not started anew
# make bench  the measurements behind the claims in docs/
# make world  20,000 posts, 5,000 articles, three seeds: the figures of docs/resolution.md (some minutes each)
# make newsroom  days of a newsroom in simulated time: DAYS=90 for the figures of docs/operate.md (half an hour)
# make lock   pin the dependencies again

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: run test lint check bench world newsroom lock clean

run: $(VENV)/.run
	@$(BIN)/archiver run --once --config examples/config.toml
	@echo
	@echo "Archive your own article:   rm -f archive.db && $(BIN)/archiver run --once ARTICLE.html"
	@echo "Look up a post:             $(BIN)/archiver lookup 'delta bridge'"
	@echo "Export provenance records:  $(BIN)/archiver export prov-json --out record.prov.json"

test: $(VENV)/.test lint
	$(BIN)/pytest -n 2

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint
	$(BIN)/pytest -n 2 --quick -m "not peers and not slow"

bench: $(VENV)/.test
	@for bench in bench/*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

world: $(VENV)/.test
	$(BIN)/python -m tests.world

DAYS ?= 3

newsroom: $(VENV)/.test
	$(BIN)/python -m tests.newsroom --days $(DAYS)

$(VENV)/.run: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: requirements-dev.lock $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group build pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group build --group dev --all-extras pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
