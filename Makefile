# Every target works on a fresh machine with python3 (3.11 or newer) and make alone.

PYTHON ?= python3
BIN := .venv/bin
SERVE ?= 1
PORT ?= 3000
PYTEST_ARGS ?=
# Two workers on two cores: threads of each would only wait for each other. Tests of one file, or of one server, stay
# together, in the order of tests/tiers.py. What is compiled is kept, also where the environment says otherwise: the
# tests start many processes.
PYTEST := PYTHONDONTWRITEBYTECODE= OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder
CUSTOMERS ?= 200000
BREAK ?= none
SAMPLE ?= 40
SOAK_SECONDS ?= 1800
MINUTES ?= 30

SCHEMA := $(BIN)/check-jsonschema --quiet --builtin-schema

.PHONY: setup dev help demo check test test-servers test-long test-rest test-exhaustive coverage lint lock screenshots notebooks docs plots bento bench bench-accuracy leaderboard bench-commands bench-campaigns bench-uplift bench-levels bench-forecast soak prior mutants walk clean

# One lock for all: what is installed is what pyproject.toml asks for, at the lock's versions and with its hashes.
INSTALL := $(BIN)/uv pip install $(if $(MAKE_TERMOUT),,--quiet) --python $(BIN)/python
LOCKED := --require-hashes --constraints requirements.lock
DEVELOPMENT := --extra mcp --extra mysql --extra postgres --extra spark --extra traces --group dev

# uv does not read pip's variables.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

setup: .venv/.installed  ## make .venv with what running needs, from the lock

dev: .venv/.development  ## add to .venv what developing needs: tests, linters, Spark, clients of the database servers

.venv/.installed: requirements.lock pyproject.toml
	@echo "Installing what running needs into .venv (about 0.8 GB on disk, in a minute or less) ..."
	$(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt
	$(INSTALL) $(LOCKED) --requirements pyproject.toml --group install
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

# Compiled once: the tests start many processes, and not every machine lets them keep what they compile.
.venv/.development: .venv/.installed
	@echo "Installing what developing needs into .venv (about 2 GB on disk) ..."
	$(INSTALL) $(LOCKED) --requirements pyproject.toml $(DEVELOPMENT)
	-@$(BIN)/python -m compileall -q -j 0 .venv/lib > /dev/null
	touch $@

help:  ## print what each target does
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 14

demo: setup  ## import, train, back-test and serve the CDNOW orders; SERVE=0 leaves serving out
	$(BIN)/customer-revenue demo --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve)

check: lint  ## lint, and the fast tests, which start no process: a minute
	$(PYTEST) -m "not process and not thorough" $(PYTEST_ARGS)

test: dev  ## run the tests, but those that need a server, a browser or Java, or take minutes
	$(PYTEST) -m "not servers and not slow" $(PYTEST_ARGS)

test-servers: dev  ## the tests of database servers, of the service over HTTP, of the page in a browser, and of Spark
	$(PYTEST) -m "servers and not slow" $(or $(PYTEST_ARGS),tests)

test-long: dev  ## what takes long: faults of a running service, killed writers, Online Retail on every database server
	SLOW=1 $(PYTEST) -m "slow and not exhaustive" $(or $(PYTEST_ARGS),tests)

test-rest: dev  ## the tests of test-servers and test-long in one run, which ends earlier than two
	SLOW=1 $(PYTEST) -m "(servers or slow) and not exhaustive" $(or $(PYTEST_ARGS),tests)

test-exhaustive: dev  ## every combination and long runs, an hour or more: their small versions are in the other tiers
	SLOW=1 SOAK_SECONDS=$(SOAK_SECONDS) $(PYTEST) -m exhaustive $(or $(PYTEST_ARGS),tests)

coverage: dev  ## run the tests of make test and fail below the floor of coverage
	rm -f .coverage .coverage.*
	$(PYTEST) -m "not servers and not slow" --cov --cov-report=term $(PYTEST_ARGS)

lint: dev  ## formatting, lint, types, import contracts, schemas of the hosting platform's files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(SCHEMA) vendor.github-workflows .github/workflows/ci.yml
	$(SCHEMA) vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/idea.yml
	$(SCHEMA) vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(SCHEMA) vendor.citation-file-format CITATION.cff

lock: setup  ## choose the versions of all dependencies anew
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		$(DEVELOPMENT) pyproject.toml --output-file requirements.lock

screenshots: dev  ## pictures of every page, at desktop and phone width, in light and dark
	$(BIN)/python -m tests.dashboard.screenshots

notebooks: dev  ## run all notebooks from a clean kernel and write their outputs into them
	$(BIN)/python -m tests.notebooks.execution

docs: dev  ## build the documentation site in build/docs
	$(BIN)/python docs/layers.py
	$(BIN)/python docs/build.py

plots: dev  ## the pictures of docs/plots.md
	$(BIN)/python docs/plots.py

bento: setup  ## build a Bento that holds the package and the current bundle
	$(BIN)/python -m customer_revenue.service.bento_packaging

bench: dev  ## a million customers against a bare scan and lifetimes, then the service (CUSTOMERS=1000000 for more); needs wrk
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.service --customers $(CUSTOMERS)

soak: dev  ## a served shop for MINUTES=30 with imports, promotions, batches and people forgotten: failed answers and memory
	$(BIN)/python -m benchmarks.soak --minutes $(MINUTES)

bench-accuracy: dev  ## accuracy against other models on real shops, whole and small; CUSTOMER_REVENUE_TEST_DATA holds Online Retail
	$(BIN)/python -m benchmarks.accuracy

leaderboard: dev  ## ours and every rival that installs, each in its own environment; writes docs/leaderboard.md in up to an hour
	$(BIN)/python -m benchmarks.leaderboard

bench-commands: dev  ## processor time of each command, as a table
	$(BIN)/python -m benchmarks.commands

bench-uplift: dev  ## learned uplift on Hillstrom's test; CUSTOMER_REVENUE_TEST_DATA holds hillstrom.parquet
	$(BIN)/python -m benchmarks.hillstrom

bench-campaigns: dev  ## A/A tests and planted effects: 1,000 replays of campaigns on real orders
	$(BIN)/python -m benchmarks.campaigns
	$(BIN)/python -m benchmarks.simulated_campaigns

bench-levels: dev  ## bias and log loss beside BG/NBD on simulated shops whose level is known
	$(BIN)/python -m benchmarks.levels

prior: dev  ## train what the package ships for small shops anew, from other shops
	$(BIN)/python -m benchmarks.prior

bench-forecast: dev  ## the forecast of the shop on rolling month ends, against simpler ones: LINES=path/to/orders ENDS="2011-05-31 2011-08-31"
	$(BIN)/python -m benchmarks.forecast $(LINES) --ends $(ENDS)
	$(BIN)/python -m benchmarks.simulated_months

mutants: dev  ## change the code in random places and see which tests notice: all of the specification's fields, SAMPLE=40 others
	$(BIN)/python -m benchmarks.mutants $(SAMPLE)

walk: dev  ## live through 2011 on Online Retail, month by month: LINES=path/to/online_retail.parquet BREAK=prices
	$(BIN)/python -m benchmarks.walk $(LINES) --break $(BREAK)

clean:
	rm -rf build .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
