# Everything sets itself up: a fresh Debian machine needs Python >= 3.11 with venv, git and make.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
PYTEST := $(VENV)/bin/pytest
# Even where it is forbidden: without it every process compiles all of ours anew, a fifth of a second each time.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup sandbox test test-long bench lint docs lock clean

setup: $(STAMP)

$(STAMP): requirements-dev.lock pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

sandbox: setup
	$(VENV)/bin/tiphys sandbox

test: setup
	$(PYTEST) --sample -n 4 --dist worksteal

test-long: setup
	$(PYTEST) -n 4 --dist worksteal --long

bench: setup
	$(PYTEST) tests/bench -m bench -s

lint: setup
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

docs: setup
	$(VENV)/bin/python -m bot.reference

# Needs uv; writes no index address.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-header --extra sandbox --extra dev --output-file requirements-dev.lock pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-header --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml
	sed -n 's/^requires = \["\(.*\)"\]$$/\1/p' pyproject.toml | \
	    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-header --constraint requirements-dev.lock --output-file requirements-build.lock -

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
