# `make demo`   serve the demo app            `make demo URL=redis://localhost:6379 DATABASE=postgresql+psycopg://... USERS=500`
# `make test`   lint, types and every test    `make test PYTEST_ARGS="-k resume -x"`
# `make bench`  side by side with other servers
# `make lint`   ruff and mypy only            `make clean`
# `make reference`  docs/reference.md, from the docstrings

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

URL ?= memory://
# People to generate as well, with 30 days of what they did.
USERS ?=
# Where the demo keeps its data, as SQLAlchemy writes it; empty: a SQLite file in instance/.
DATABASE ?=
# What keeps the log in one process can be served by one only.
WORKERS ?= $(if $(filter memory:%,$(URL)),1,4)
HOST ?= 127.0.0.1
PORT ?= 5000

NPM_STAMP := tests/browser/node_modules/.stamp

# One more than CI has cores: a test of streams waits for a good part of its time.
TEST_WORKERS ?= 3
PYTEST_ARGS ?=
BENCH_ARGS ?=

# -qq: on success an installer has nothing to say; errors are still shown.
PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check -qq install
APT_INSTALL := DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install

# $(call need,command,Debian packages,what for): installs what is missing when it may, and says what to do when it may not.
define need
	@command -v $(1) >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing $(2) ($(3)) ..."; \
	    { apt-get -qq update && $(APT_INSTALL) $(2); } >/dev/null; \
	  else \
	    echo "$(1) is missing ($(3)): install it, on Debian with: apt-get install $(2)"; exit 1; \
	  fi; }
endef

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench reference clean venv check-demo

help:
	@sed -n 's/^# //p' Makefile

# --- the environment -----------------------------------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; say which one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    { apt-get -qq update && $(APT_INSTALL) python3-venv; } >/dev/null; \
	  else \
	    echo "Python has no venv module: install it, on Debian with: apt-get install python3-venv"; exit 1; \
	  fi; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.server.stamp: pyproject.toml | $(BIN)/python
	@echo "Installing flask-nexora-rt and its server into $(VENV) ..."
	@$(PIP_INSTALL) -e ".[server]"
	@touch $@

$(VENV)/.postgres.stamp: pyproject.toml | $(BIN)/python
	@echo "Installing flask-nexora-rt, its server and the driver of PostgreSQL into $(VENV) ..."
	@$(PIP_INSTALL) -e ".[server,postgres]"
	@touch $@ $(VENV)/.server.stamp

$(VENV)/.dev.stamp: pyproject.toml | $(BIN)/python
	@echo "Installing flask-nexora-rt and what its tests need into $(VENV) ..."
	@$(PIP_INSTALL) -e ".[server,postgres,metrics,dev]"
	@touch $@ $(VENV)/.server.stamp $(VENV)/.postgres.stamp

venv: $(VENV)/.dev.stamp

# --- the demo ------------------------------------------------------------------------------------

demo: export FLASK_NEXORA_RT_URL := $(URL)
ifneq ($(DATABASE),)
demo: export DEMO_DATABASE_URI := $(DATABASE)
endif
demo: check-demo $(if $(filter postgres%,$(DATABASE)),$(VENV)/.postgres.stamp,$(VENV)/.server.stamp)
	@$(BIN)/flask --app example_app demo seed $(if $(USERS),--users $(USERS))
	@echo "Open http://$(HOST):$(PORT) in two browser windows (Ctrl-C stops the demo)."
	@exec $(BIN)/gunicorn -c python:flask_nexora_rt.gunicorn --no-control-socket \
	  -k gevent -w $(WORKERS) -b $(HOST):$(PORT) example_app.wsgi:app

check-demo:
	@case "$(URL)" in memory://*) [ "$(WORKERS)" -le 1 ] || { \
	  echo "memory:// keeps its log inside one process. For $(WORKERS) workers: make demo URL=redis://localhost:6379 WORKERS=$(WORKERS)"; \
	  exit 2; };; esac

# --- checks --------------------------------------------------------------------------------------

lint: $(VENV)/.dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What the browser tests take from npm: Laravel Echo, and TypeScript for the declarations.
$(NPM_STAMP): tests/browser/package-lock.json
	$(call need,npm,nodejs npm,to run and check JavaScript in the tests)
	@npm ci --prefix tests/browser --silent --no-audit --no-fund
	@touch $@

test: lint $(NPM_STAMP)
	$(call need,chromium,chromium fonts-liberation,the browser of tests/browser)
	$(BIN)/pytest -n $(TEST_WORKERS) --dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

bench: $(VENV)/.dev.stamp
	$(call need,chromium,chromium fonts-liberation,the browser of one row)
	$(call need,nginx,nginx libnginx-mod-nchan,a server to compare with)
	@[ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] || { \
	  [ "$$(id -u)" = 0 ] && { apt-get -qq update && $(APT_INSTALL) libnginx-mod-nchan; } >/dev/null; } \
	  || { echo "Nchan is missing, on Debian: apt-get install libnginx-mod-nchan"; exit 1; }
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

reference: $(VENV)/.dev.stamp
	$(BIN)/python docs/make_reference.py

clean:
	rm -rf $(VENV) build dist benchmarks/build tests/browser/node_modules *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
