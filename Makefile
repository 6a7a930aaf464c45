# Every target sets up what it needs in .venv, once: see the stamps below.

PYTHON ?= python3.11 python3.12 python3.13 python3
VENV := .venv
BIN := $(VENV)/bin

BOOK := $(VENV)/.book-installed
TEST := $(VENV)/.test-installed
NODE := node_modules/.package-lock.json
PIP_INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

# TensorFlow's log lines would become cell output.
export TF_CPP_MIN_LOG_LEVEL := 2

# A file's tests stay together: what a module or a notebook makes is made once.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: book check test lint widgets notebooks numbers serve chromium clean help

book: $(BOOK) ## build the book into _build/html
	$(BIN)/jupyter-book build -W -n --keep-going .
	@echo "The book: $(CURDIR)/_build/html/index.html"

check: lint widgets ## lint, types and the unit tests, while you work
	$(PYTEST) tests/unit

# What fails soonest comes first; no browser is open while processes are killed. nbval
# runs every notebook at smoke scale and trains what it shows; what they show with the
# shipped runs is compared in the built book.
test: check book chromium ## run every tier: unit, system, book, science, browser
	$(PYTEST) tests/system
	$(PYTEST) --nbval-lax --nbval-current-env tests/book book tests/science tests/browser

lint: $(TEST) ## check code and notebooks with ruff, types with mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy vaetut

# Only who changes the widgets needs Node. Where there is none, the unit tests still say
# whether the bundles are those of their sources.
widgets: ## lint and test the widgets' script and build it again, where Node is
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(NODE) && npm --silent test; \
	else echo "No npm: the widgets' script is not linted."; fi

notebooks: numbers ## run the notebooks and store their outputs in them
	$(BIN)/python _ext/run_notebooks.py book/*.ipynb

numbers: $(BOOK) ## write into prose what its numbers and citations show
	$(BIN)/python _ext/prose.py book/*.ipynb book/*.md

serve: book ## build the book and serve it on this machine
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

clean: ## remove what was built, not the environment
	rm -rf _build .mypy_cache .pytest_cache .ruff_cache *.egg-info

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

# The browser tests need Chromium; where they find one is theirs to say.
chromium: $(TEST)
	@if $(BIN)/python tests/browser/chromium.py; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update && apt-get install --yes chromium; \
	elif ! $(BIN)/playwright install chromium; then \
	  echo "No Chromium: install one, or set CHROMIUM to its path." >&2; \
	fi

$(NODE): package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	@touch $@

# An environment is made by the first of PYTHON that is one of these.
$(BIN)/python:
	@for python in $(PYTHON); do \
	  found=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' \
	    2>/dev/null) || continue; \
	  case $$found in 3.11|3.12|3.13) exec $$python -m venv $(VENV);; esac; \
	  others="$$others $$python is $$found;"; \
	done; \
	echo "Python 3.11, 3.12 or 3.13 is needed, and none was found:" \
	  "$${others:- no python at all;} say where one is:" \
	  "make PYTHON=/path/to/python3.12" >&2; exit 1

$(BOOK): requirements.txt constraints.txt pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) --requirement requirements.txt --editable .
	@touch $@

$(TEST): requirements-test.txt $(BOOK)
	$(PIP_INSTALL) --requirement requirements-test.txt
	@touch $@
