# Every target works on a fresh machine with python3 (3.11 or newer) and make alone.

PYTHON ?= python3
BIN := .venv/bin
SERVE ?= 1
PORT ?= 3000
PYTEST_ARGS ?=
# Two workers on two cores: threads of each would only wait for each other.
PYTEST := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile
CUSTOMERS ?= 200000
BREAK ?= none

.PHONY: setup demo test test-long lint lock screenshots notebooks docs plots bento bench walk clean

setup: .venv/.installed  ## make .venv from the lock

.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: setup  ## import, train, back-test and serve the CDNOW orders; SERVE=0 stops before serving
	$(BIN)/customer-revenue demo --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve)

test: setup  ## run the tests
	$(PYTEST) $(PYTEST_ARGS)

test-long: setup  ## what takes long: faults of a running service, killed writers, Online Retail on every database server
	SLOW=1 SOAK_SECONDS=60 $(PYTEST) -m slow

lint: setup  ## formatting, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

lock: setup  ## choose the versions of all dependencies anew
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--extra mysql --extra postgres --extra spark --group dev pyproject.toml --output-file requirements.lock

screenshots: setup  ## pictures of every page, at desktop and phone width, in light and dark
	$(BIN)/python -m tests.dashboard.screenshots

notebooks: setup  ## run all notebooks from a clean kernel and write their outputs into them
	$(BIN)/python -m tests.notebooks.execution

docs: setup  ## the pages of the Python API, in build/docs
	$(BIN)/python -W error docs/build.py

plots: setup  ## the pictures of docs/plots.md
	$(BIN)/python docs/plots.py

bento: setup  ## build a Bento that holds the package and the current bundle
	$(BIN)/python -m customer_revenue.service.bento_packaging

bench: setup  ## a million customers against a bare scan and lifetimes, then the service (CUSTOMERS=1000000 for more); needs wrk
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.service --customers $(CUSTOMERS)

walk: setup  ## live through 2011 on Online Retail, month by month: LINES=path/to/online_retail.parquet BREAK=prices
	$(BIN)/python -m benchmarks.walk $(LINES) --break $(BREAK)

clean:
	rm -rf build .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
