# Everything runs from .venv, which the first target that needs it creates. `make` alone lists the targets.
# Another interpreter: make test PYTHON=python3.12 (before .venv exists, or after `make clean-venv`).
PYTHON ?= python3
BIN := .venv/bin
# Touched when the install succeeded, so that it is redone only after a change of pyproject.toml.
STAMP := .venv/installed

.DEFAULT_GOAL := help
.PHONY: help install quick test test-slow test-peers test-ray lint style types contracts format typings docs bench clean clean-venv

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## create .venv with saddlebench (editable) and the development tools

# pip before 25.1 does not know --group.
$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

quick: $(STAMP) ## the main job in minutes, from a bare clone to tables
	$(BIN)/saddlebench run quick

test: $(STAMP) ## the tests, without the slow ones
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile

test-slow: $(STAMP) ## the tests that take minutes
	$(BIN)/pytest -m slow

test-peers: $(STAMP) ## the tests against other libraries, which this installs (JAX, OpenSpiel, …)
	$(BIN)/python -m pip install --quiet --group peers
	$(BIN)/pytest -m peers

test-ray: $(STAMP) ## the tests on a Ray cluster of this machine, which this installs
	$(BIN)/python -m pip install --quiet --group ray
	$(BIN)/pytest -m ray

lint: style types contracts ## style, formatting, types and import contracts (`make -k lint` reports all at once)

style: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) typings
	$(BIN)/pyright

# The package is read from typings/, the only place where its folders lie under one name.
contracts: $(STAMP) typings
	PYTHONPATH=typings $(BIN)/lint-imports --no-cache

format: $(STAMP) ## let ruff fix and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typings: ## link every module of bench/top into typings/saddlebench
	@rm -f typings/saddlebench/*.py
	@cd typings/saddlebench && ln -s ../../bench/top/*.py .

docs: $(STAMP) typings ## the documentation site, strictly, into build/site
	$(BIN)/python -m pip install --quiet --group docs
	DISABLE_MKDOCS_2_WARNING=true NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --site-dir build/site

bench: $(STAMP) ## pytest's micro-benchmarks
	$(BIN)/pytest --benchmark-only

clean: ## remove caches and build outputs, keep .venv and results
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

clean-venv: ## remove .venv
	rm -rf .venv
