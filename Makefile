# Everything a person or CI does with a checkout. Needs python3 >= 3.11, git and make; the first run of a
# target sets up .venv, later runs find its stamp. Another interpreter: make test PYTHON=python3.13

PYTHON ?= python3
PYTEST_ARGUMENTS ?=
OLDER_DUCKDB := 1.5.6
OLDER_DUCKDB_FOLDER := .duckdb-$(OLDER_DUCKDB)

BIN := .venv/bin
# Compiling every file halved pip's speed (62 s of processor time against 31 s); Python compiles what it imports.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --no-compile
PIP_LOG := .venv/pip.log
INSTALLED := .venv/.installed
INSTALLED_DEV := .venv/.installed-dev
INSTALLED_ENGINES := .venv/.installed-engines
INSTALLED_BENCH := .venv/.installed-bench

.PHONY: help demo test test-engines test-versions check shape bench bench-scoring bench-population bench-layouts bench-tpch \
	bench-search bench-backfill bench-cli evidence evidence-history choices kills generated clean
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## a made-up shop, from order lines to segments, in demo_shop/
	@$(BIN)/warehouse-seg demo --dir demo_shop

test: $(INSTALLED_DEV) $(OLDER_DUCKDB_FOLDER) ## all tests, then those of the SQL again on an older DuckDB
	@echo "tests on the newest DuckDB"
	@$(BIN)/python -m pytest -n 2 --dist loadscope $(PYTEST_ARGUMENTS)
	@echo "tests marked both_duckdb on DuckDB $(OLDER_DUCKDB)"
	@PYTHONPATH="$(CURDIR)/$(OLDER_DUCKDB_FOLDER)" EXPECTED_DUCKDB=$(OLDER_DUCKDB) \
		$(BIN)/python -m pytest -n 2 --dist loadscope -m both_duckdb $(PYTEST_ARGUMENTS)

test-engines: $(INSTALLED_ENGINES) ## the same answers on a real Postgres and a real Spark; as root on Debian it installs both
	@tests/engines/servers
	@TEST_ENGINES=true $(BIN)/python -m pytest -n 2 --dist loadscope tests/engines $(PYTEST_ARGUMENTS)

test-versions: ## order lines to segments on the lowest versions allowed and the newest, on Python 3.11 to 3.13
	@PYTHON=$(PYTHON) tests/versions

check: $(INSTALLED_DEV) ## format, lint, types, layers, SQL style, shape
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint dbt_project/models
	$(BIN)/python -m tools.shape

shape: $(INSTALLED_DEV) ## rooms, layers, circles, lengths, docstrings, macros; all of it: .venv/bin/python -m tools.shape --verbose
	@$(BIN)/python -m tools.shape

bench: $(INSTALLED_BENCH) ## the next four, one after the other; takes the better part of an hour
	@status=0; for name in scoring population layouts tpch; do \
		$(BIN)/python -m tools.benchmarks.$$name || status=$$?; echo; done; exit $$status

bench-scoring: $(INSTALLED_DEV) ## SQL scoring against a copy and against a round trip through Python
	@$(BIN)/python -m tools.benchmarks.scoring

bench-population: $(INSTALLED_DEV) ## one EM iteration over all customers against scikit-learn's
	@$(BIN)/python -m tools.benchmarks.population

bench-layouts: $(INSTALLED_DEV) ## five layouts of the scoring SQL, from 4 x 3 to 20 x 20
	@$(BIN)/python -m tools.benchmarks.layouts

bench-tpch: $(INSTALLED_BENCH) ## order lines of TPC-H to segments, beside pandas and Polars; 10 GB of disk
	@$(BIN)/python -m tools.benchmarks.tpch

bench-search: $(INSTALLED_DEV) ## the search for optima against a plain loop over scikit-learn; takes many minutes
	@$(BIN)/python -m tools.benchmarks.search

bench-backfill: $(INSTALLED_BENCH) ## 24 dates of history beside one date's build, at TPC-H's scale factors
	@$(BIN)/python -m tools.benchmarks.backfill

bench-cli: $(INSTALLED_DEV) ## commands that only read beside `dbt --version`, best of five
	@$(BIN)/python -m tools.benchmarks.cli

evidence: $(INSTALLED_DEV) ## recovery, optima, real shops, refits, the known study: writes docs/proof/evidence.md anew; an hour
	@$(BIN)/python -m tools.evidence > docs/proof/evidence.md.new
	@mv docs/proof/evidence.md.new docs/proof/evidence.md

evidence-history: $(INSTALLED_DEV) ## monthly history of four shops: writes docs/proof/history.md anew; ten minutes
	@$(BIN)/python -m tools.evidence.history > docs/proof/history.md.new
	@mv docs/proof/history.md.new docs/proof/history.md

choices: $(INSTALLED_DEV) ## prints what every candidate predicts, and how it agrees with earlier days; a quarter of an hour
	@$(BIN)/python -m tools.evidence.choices

kills: $(INSTALLED_DEV) ## a hundred kills of every command that writes: writes docs/proof/kills.md anew; a quarter of an hour
	@$(BIN)/python -m tools.evidence.kills > docs/proof/kills.md.new
	@mv docs/proof/kills.md.new docs/proof/kills.md

generated: $(INSTALLED) ## writes sql/generated/ anew
	@$(BIN)/python -m tools.generate_sql

clean: ## removes what the other targets made
	rm -rf .venv .versions .duckdb-* demo_shop dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(INSTALLED): pyproject.toml
	$(call set_up,warehouse-seg,-e .)
	@touch $@

$(INSTALLED_DEV): pyproject.toml
	$(call set_up,warehouse-seg and the tools of its tests,-e '.[dev]')
	@touch $(INSTALLED) $@

# PySpark alone is 430 MB: only who asks for its tests gets it.
$(INSTALLED_ENGINES): $(INSTALLED_DEV)
	@printf 'setting up the engines of its tests (a minute or two, once) ... '
	@$(call pip_install,-e '.[engines]')
	@touch $@

# What the benchmarks compare with, and the generator of their order lines.
$(INSTALLED_BENCH): $(INSTALLED_DEV)
	@printf 'setting up Polars and the generator of TPC-H ... '
	@$(call pip_install,-e '.[bench]')
	@touch $@

# A second client beside the newest one: users meet DuckDB 1.4 to 2.x.
$(OLDER_DUCKDB_FOLDER): $(INSTALLED_DEV)
	@rm -rf $@
	@printf 'setting up DuckDB $(OLDER_DUCKDB) for a second run ... '
	@$(call pip_install,--no-deps --target $@ duckdb==$(OLDER_DUCKDB))
	@touch $@

# $(call set_up,what,arguments of pip)
define set_up
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is $$($(PYTHON) --version 2>&1); Python 3.11 or newer is needed: make PYTHON=python3.12" >&2; \
		exit 2; }
	@printf 'setting up .venv with $(1) (a minute or two, once) ... '
	@$(PYTHON) -m venv .venv
	@$(call pip_install,$(2))
endef

# One line of progress while it works; what pip said only where it fails.
define pip_install
$(PIP) $(1) > $(PIP_LOG) 2>&1 && echo done || { echo failed; cat $(PIP_LOG); exit 1; }
endef
