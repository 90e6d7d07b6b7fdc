# Each target does all of its own set-up: `make demo`, `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Clients that nobody here wrote, which the tests call as commands; they pin a botocore of their own.
CLIENTS := $(VENV)-clients
CLIENTS_READY := $(CLIENTS)/.ready
PYTEST_ARGS ?= -n auto --dist worksteal

.PHONY: demo test kill lint bench docs constraints clean
.DEFAULT_GOAL := demo

demo: $(READY)
	@$(BIN)/sdt demo

test: $(READY) $(CLIENTS_READY)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

# A run killed at every entry of its journal, and resumed: some five minutes on two cores.
kill: $(READY)
	@SDT_KILL_EVERY=1 $(BIN)/python -m pytest -n auto tests/faults/test_kill.py

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --strict tests
	$(BIN)/lint-imports

bench: $(READY)
	@for file in tests/bench/bench_*.py; do \
		echo "== $$file"; $(BIN)/python -m "tests.bench.$$(basename $$file .py)" || failed=1; done; exit $${failed:-0}

docs: $(READY)
	$(BIN)/python docs/make_docs.py

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "sdt-console needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "setting up $(VENV) (once, about a minute)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(CLIENTS_READY): constraints-clients.txt
	@echo "setting up $(CLIENTS) (once)" >&2
	@$(PYTHON) -m venv $(CLIENTS)
	@$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		-r constraints-clients.txt
	@touch $@

# After a change of the dependencies in pyproject.toml; needs uv.
constraints:
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
		--all-extras --upgrade --quiet pyproject.toml -o constraints.txt
	printf 'awscli\nawslogs\necs-deploy\nsetuptools\n' | uv pip compile --universal --generate-hashes --python-version 3.11 \
		--no-header --no-annotate --upgrade --quiet - -o constraints-clients.txt

clean:
	rm -rf $(VENV) $(CLIENTS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
