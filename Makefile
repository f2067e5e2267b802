# Everything sets itself up in .venv; PYTHON names the interpreter to make it with (3.11 or newer).
PYTHON ?= python3
MINUTES ?= 10
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run test quick coverage check fix docs outputs site-docs bench fuzz faults clean

run: .venv/run
	$(BIN)/eyespot make tiny-resnet --device imx93 --out build/tiny-resnet

test: .venv/dev check
	$(BIN)/python -m pytest -n auto

quick: .venv/dev
	$(BIN)/python -m pytest -n auto -m "not slow"

coverage: .venv/dev
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --show-missing --fail-under=98

check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python docs/generate.py --check

fix: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/dev
	$(BIN)/python docs/generate.py

# Runs the commands of the documents and writes what they print; EYESPOT_DATA must hold the data sets.
outputs: .venv/dev
	$(BIN)/python docs/outputs.py

# The documents as a web site, in build/site-docs.
site-docs: .venv/dev
	$(BIN)/python docs/generate.py --check
	$(BIN)/python -m zensical build --strict --clean

bench: .venv/dev
	for each in benchmarks/*.py; do $(BIN)/python $$each || exit 1; done

fuzz: .venv/dev
	$(BIN)/python tests/fuzz/run.py --minutes $(MINUTES)

# Kills at every file operation and KILLS at random moments, full disks, and PAIRS at once, for each command.
KILLS ?= 20
PAIRS ?= 50
faults: .venv/dev
	$(BIN)/python tests/faults --random $(KILLS) --others 5 --pairs $(PAIRS)

clean:
	rm -rf .venv build

.venv/run: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) --editable ".[devices]"
	touch $@

.venv/dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) --editable ".[dev]"
	$(PIP) --no-deps timm  # a peer to compare with; its torchvision does not import beside torch's CPU build
	touch $@ .venv/run

# What the tests of pages use; without it they are skipped.
tests/web/node_modules: tests/web/package-lock.json
	npm ci --prefix tests/web --silent
	touch $@
