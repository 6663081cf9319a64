# 张榜. Two commands: `make run` (from nothing to a served demo site), `make test` (from nothing to a green suite).
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
DIGEST = $(shell cat $(1) | $(PYTHON) -c "import hashlib,sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])")
RUNTIME := .venv/.ok-$(call DIGEST,requirements.txt)
DEV := .venv/.ok-$(call DIGEST,requirements-dev.txt)
PYTEST := $(BIN)/python -m pytest -q
JOBS ?= 2
TESTS ?= tests

.PHONY: run test quick check soak bench search-quality e2e lock vendor i18n format clean

run: $(RUNTIME)
	@export PORT=$(PORT) ZHANGBANG_DEMO=$${ZHANGBANG_DEMO-1}; \
	$(BIN)/flask --app wsgi prepare && exec $(BIN)/gunicorn -c gunicorn.conf.py wsgi:app

test: $(DEV)
	$(PYTEST) -n $(JOBS) --dist loadfile $(TESTS)

# What one runs all day: without browsers, kills, crowds and walks, which CI always runs.
quick: $(DEV)
	$(PYTEST) -n $(JOBS) --dist loadfile tests --ignore tests/browser --ignore tests/front/test_browser.py \
		$$(grep -rlE "^from tests.sizes import" tests --include='test_*.py' | sed 's/^/--ignore /')

check: $(DEV)
	$(BIN)/ruff format --check marketplace tests wsgi.py
	$(BIN)/ruff check marketplace tests wsgi.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates
	$(PYTEST) -n $(JOBS) --dist loadfile tests

e2e: $(DEV)
	$(PYTEST) tests/browser tests/front

soak: $(DEV)
	ZHANGBANG_SOAK=1 $(PYTEST) --timeout 7200 $$(grep -rlE "^from tests.sizes import" tests --include='test_*.py')

bench: $(DEV)
	$(BIN)/python -m bench

search-quality: $(DEV)
	$(BIN)/python -m bench.quality

i18n: $(DEV)
	$(BIN)/python scripts/words.py

format: $(DEV)
	$(BIN)/ruff check --fix marketplace tests wsgi.py
	$(BIN)/ruff format marketplace tests wsgi.py

vendor: $(DEV)
	$(BIN)/python scripts/fonts.py
	$(BIN)/python -m marketplace.platform.sealing.bundle

lock:
	uv pip compile --universal --python-version 3.11 --only-binary :all: --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.txt -q --upgrade
	uv pip compile --universal --python-version 3.11 --only-binary :all: --generate-hashes --no-header --no-annotate pyproject.toml --group dev -o requirements-dev.txt -q --upgrade

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/pip:
	@$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 11) else '需要 Python 3.11 或更高版本 / Python 3.11 or newer is needed')"
	@$(PYTHON) -c "import ensurepip" 2>/dev/null || { echo "缺少 ensurepip：请先安装 python3-venv（Debian：apt install python3-venv）。 python3-venv is missing."; exit 1; }
	$(PYTHON) -m venv .venv

$(RUNTIME): .venv/bin/pip requirements.txt
	$(BIN)/pip install -q --disable-pip-version-check --only-binary :all: --require-hashes -r requirements.txt
	@touch $@

$(DEV): .venv/bin/pip requirements-dev.txt
	$(BIN)/pip install -q --disable-pip-version-check --only-binary :all: --require-hashes -r requirements-dev.txt
	@touch $@ $(RUNTIME)
