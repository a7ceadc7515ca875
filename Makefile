# `make demo` and `make test` set everything up by themselves: Python packages in .venv, the Workers runtime in
# the user's cache. `make PYTHON=python3.13 …` chooses another Python.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := examples/order-approval

.PHONY: demo test test-postgres fuzz lint types bench mutants golden docs lock clean

demo: $(READY)
	@$(BIN)/stepwell build $(DEMO)/order-approval.json --output dist/order-approval
	@echo
	@$(BIN)/stepwell run $(DEMO)/order-approval.json \
		--params @$(DEMO)/params.json \
		--mock @$(DEMO)/mocks.json \
		--env PAYMENTS_KEY=test-key \
		--event 'approval={"approved": true, "by": "Ada"}'

test: $(READY) lint types
	@$(BIN)/python -m pytest -n 2 --dist worksteal

# The server's tests again, on a PostgreSQL of their own; installs Debian's package where there is none.
test-postgres: $(READY)
	@$(BIN)/python -m tests.server.postgres -n 2 --dist worksteal tests/server

# Looks for graphs that do not do what they say, and for texts that are not answered. `make fuzz SEED=7 COUNT=5000`
# draws so many of each from that seed; WHAT chooses among graphs, scripts, inputs and workerd.
fuzz: $(READY)
	@$(BIN)/python -m tests.semantics.fuzz $(WHAT) $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT))

lint: $(READY)
	@$(BIN)/ruff check .

types: $(READY)
	@$(BIN)/mypy

# Each measures one thing, compares with others and prints ratios; the machine should have nothing else to do.
# `make bench-compile` runs one of them.
BENCHMARKS := $(patsubst benchmarks/%.py,bench-%,$(wildcard benchmarks/[a-z]*.py))

.PHONY: $(BENCHMARKS)

bench: $(BENCHMARKS)

$(BENCHMARKS): bench-%: $(READY)
	@$(BIN)/python -m benchmarks.$*

# Makes each deliberate fault of tests/mutations/ in a copy of the tree, and says which test sees it.
mutants: $(READY)
	@$(BIN)/python -m tests.mutations

# Writes the goldens anew from what the compiler and the runtime do now. Read the diff before you commit it.
golden: $(READY)
	@$(BIN)/python -m tests.golden
	@$(BIN)/python -m docs.generate

# Writes into docs/ what the pages take from the goldens, the models and the command line.
docs: $(READY)
	@$(BIN)/python -m docs.generate

# Takes the versions that are installed now as the ones to install from now on; what is not installed stays as it is.
lock: $(READY)
	@{ grep '^#' requirements.lock; \
	   { $(BIN)/pip freeze --exclude-editable; grep -v '^#' requirements.lock; } | sort -fsu -t= -k1,1; \
	 } > requirements.lock.new && mv requirements.lock.new requirements.lock

clean:
	rm -rf $(VENV) dist

$(READY): pyproject.toml requirements.lock
	@command -v $(PYTHON) > /dev/null || { echo "Python is missing: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "stepwell needs Python 3.11 or newer; choose one with make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null \
		|| { echo "Python's venv module is missing: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing Python packages into $(VENV)…"
	@PIP_CONSTRAINT=requirements.lock PIP_DISABLE_PIP_VERSION_CHECK=1 \
		$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@
