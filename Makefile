# Every target sets up what it needs in .venv, once: see the stamps below.

PYTHON ?= python3.11 python3.12 python3.13 python3
VENV := .venv
BIN := $(VENV)/bin

BOOK := $(VENV)/.book-installed
TEST := $(VENV)/.test-installed
PIP_INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

# TensorFlow's log lines would become cell output.
export TF_CPP_MIN_LOG_LEVEL := 2

NBVAL := $(BIN)/python -m pytest --nbval-lax --nbval-current-env -n 2 --dist loadfile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: book test lint notebooks serve chromium clean help

book: $(BOOK) ## build the book into _build/html
	$(BIN)/jupyter-book build -W -n --keep-going .
	@echo "The book: $(CURDIR)/_build/html/index.html"

test: lint book chromium ## run every tier: unit, science, book, browser
	$(BIN)/python -m pytest -n 2 --dist loadfile
	$(NBVAL) book # with the shipped weights
	runs=$$(mktemp -d) && trap 'rm -rf "$$runs"' EXIT && \
	  VAETUT_SCALE=smoke VAETUT_RETRAIN=1 VAETUT_RUNS="$$runs" $(NBVAL) book

lint: $(TEST) ## check code and notebooks with ruff
	$(BIN)/ruff check
	$(BIN)/ruff format --check

notebooks: $(BOOK) ## run the notebooks and store their outputs in them
	$(BIN)/python _ext/run_notebooks.py book/*.ipynb

serve: book ## build the book and serve it on this machine
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

clean: ## remove what was built, not the environment
	rm -rf _build .pytest_cache .ruff_cache *.egg-info

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

$(BIN)/python:
	@for python in $(PYTHON); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then exec $$python -m venv $(VENV); fi; \
	done; \
	echo "No Python 3.11 or newer found: make PYTHON=/path/to/python3.11" >&2; exit 1

$(BOOK): requirements.txt constraints.txt pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) --requirement requirements.txt --editable .
	@touch $@

$(TEST): requirements-test.txt $(BOOK)
	$(PIP_INSTALL) --requirement requirements-test.txt
	@touch $@
