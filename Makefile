# Two commands after a clone: `make demo` and `make test`. Each makes .venv first if it is missing.

.DEFAULT_GOAL := help
.PHONY: help demo test test-limits check lint types imports deps lock sim sim-mutants sim-month bench bench-promise bench-routing replay snapshots clean

BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
WORKERS ?= 2
TEST_WORKERS ?= 3
SEEDS ?= 200

# Processes by the hundred start in the tests, and each would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{ printf "  make %-13s %s\n", $$1, $$2 }'

demo: .venv/.ok ## Start central and its stores, with sample data and simulated devices.
	@$(BIN)/central-server demo

test: .venv/.ok ## Run every test but the benchmarks.
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist loadgroup --durations=30 --durations-min=3 tests --ignore=tests/benchmarks

test-limits: .venv/.ok ## Try the API at every limit that its document names, too.
	@HOLDSHELF_EVERY_LIMIT=1 $(BIN)/pytest tests/api/test_openapi.py

check: lint types imports deps ## Run every static check.

lint: .venv/.ok ## Check style and formatting (ruff).
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/.ok ## Check types (mypy --strict).
	@$(BIN)/mypy

imports: .venv/.ok ## Check who imports whom (import-linter).
	@$(BIN)/lint-imports --no-logo

deps: .venv/.ok ## Check that what is imported is declared, and the reverse (deptry).
	@$(BIN)/deptry sync store_client central_server

sim: .venv/.ok ## Run the simulation over SEEDS=200 seeds.
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) --workers $(WORKERS)

sim-mutants: .venv/.ok ## Take each rule of escrow away and see that the simulation misses it (slow).
	@$(BIN)/python -m tests.simulation.mutants --seeds $(or $(MUTANT_SEEDS),5000)

sim-month: .venv/.ok ## Let one store work for 30 days without a network: 60,000 operations, then all is reconciled.
	@$(BIN)/python -m tests.simulation --scenario offline30

bench: .venv/.ok ## Measure, and compare with the budgets.
	@$(BIN)/python -m tests.benchmarks

bench-promise: .venv/.ok ## Compare ways of keeping stock back on real demand: what escrow is worth.
	@$(BIN)/python -m tests.benchmarks.promise $(PROMISE)

bench-routing: .venv/.ok ## Compare ways of routing orders on real networks and baskets, with hindsight as the bound.
	@$(BIN)/python -m tests.benchmarks.routing $(ROUTING)

replay: .venv/.ok ## Replay real stores, goods and orders through everything, and reconcile.
	@$(BIN)/python -m tests.replay $(REPLAY)

snapshots: .venv/.ok ## Accept the screens as they are now; look at the difference before you commit it.
	@$(BIN)/pytest tests -m snapshot --snapshot-update

lock: .venv/.ok ## Resolve the dependencies anew into requirements.lock.
	@$(or $(UV),$(BIN)/uv) pip compile pyproject.toml --quiet --all-extras --group dev --universal --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
	    $(LOCK_OPTIONS) --output-file requirements.lock

clean: ## Remove the environment and what tools leave behind.
	rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .coverage htmlcov build dist
	find sync store_client central_server tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: exactly what requirements.lock says, each file checked by its hash,
# then this project itself as an editable install. Nothing is done while it is newer
# than both files.
.venv/.ok: requirements.lock pyproject.toml
	@python=; for name in python3.11 python3.12 python3.13 python3; do \
	    if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Holdshelf needs Python 3.11 or newer, with venv. On Debian: apt install python3-venv" >&2; exit 1; \
	fi; \
	if [ -n "$(UV)" ]; then \
	    echo "Installing into .venv with uv ..."; \
	    "$(UV)" venv --quiet --allow-existing --python "$$python" .venv && \
	    "$(UV)" pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock && \
	    "$(UV)" pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .; \
	else \
	    echo "Installing into .venv with pip (the first time takes a minute or two) ..."; \
	    { "$$python" -m venv .venv || { \
	        echo "$$python cannot make a virtual environment. On Debian: apt install python3-venv" >&2; exit 1; }; } && \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock && \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .; \
	fi
	@touch $@
