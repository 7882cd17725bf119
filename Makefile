# Verbs one can guess. Everything is installed into .venv; nothing else on the machine is touched, except that
# `make test` installs Chromium and MariaDB from Debian's packages where there is none and it may.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8311
# Installed without compiled files, every process would compile what it imports again where none may be written.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo serve test check unit browser bench audit clean
help:            ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "dashboard311 needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What is not used needs not be compiled either: that is a third of the time.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -e '.[test]'
	@touch $(VENV)/.installed $@

demo: $(VENV)/.installed   ## make the demo city and open the dashboard on 127.0.0.1:8311
	$(BIN)/dashboard311 demo
	$(BIN)/dashboard311 serve --port $(PORT)

serve: $(VENV)/.installed  ## serve what was imported
	$(BIN)/dashboard311 serve --port $(PORT)

# What both need is fetched side by side, then style and types are checked beside the tests.
test:            ## everything: style, types, architecture, units, contracts, browser
	$(MAKE) --jobs 2 $(VENV)/.installed-test nginx
	$(MAKE) --jobs 2 check tests

# Three at a time on two cores, the long ones first: one that waits for a browser leaves its core to another.
.PHONY: tests
tests: chromium
	$(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder tests/browser tests/contract tests/architecture tests/unit

unit: $(VENV)/.installed-test   ## only the tests without a database or a browser
	$(BIN)/python -m pytest tests/unit tests/architecture

check: $(VENV)/.installed-test  ## style, types, known weaknesses, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit -q -c pyproject.toml -r dashboard layouts callbacks data_access
	$(BIN)/lint-imports

bench: $(VENV)/.installed-test  ## how fast views, Hotspots, clicks and imports are at ten million requests, and how that grows; takes an hour (SUPERSET=…/bin/superset: beside that, too)
	$(BIN)/python -m tests.bench.views
	$(BIN)/python -m tests.bench.canonical
	$(BIN)/python -m tests.bench.growth
	$(BIN)/python -m tests.bench.hotspots
	$(BIN)/python -m tests.bench.clicks
	PYTHONPATH=. $(BIN)/python tests/bench/import_speed.py
	test -z "$(SUPERSET)" || $(BIN)/python -m tests.bench.superset --superset "$(SUPERSET)"

.PHONY: chromium
chromium:
	@sh tests/browser/chromium.sh

# After Chromium: two at a time would wait for one lock.
.PHONY: mariadb
mariadb: chromium
	@sh tests/contract/mariadb.sh

.PHONY: nginx
nginx: mariadb $(VENV)/.installed-test
	@sh tests/contract/nginx.sh "$(abspath $(VENV))/nginx"

clean:           ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
