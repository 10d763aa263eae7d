# Every task of the project. `make` alone lists them. Nothing is needed but make, Python 3.11 or
# later and a package index: the targets build .venv themselves and rebuild it when a lock changes.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# What `make run` needs installs in a third of the time of all that the tests need: two stamps, each
# written when its packages are all there.
RUN_READY := $(VENV)/.run-stamp
DEV_READY := $(VENV)/.dev-stamp
BROKEN := $(VENV)/.half-installed
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check --no-input

PYTHONS := $(PYTHON) python3.14 python3.13 python3.12 python3.11 python3
SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

COUNT ?= 100
RATE ?= 0
INVALID ?= 0
MINUTES ?= 5

# What `make run` started is told by stack.env; what the environment names wins over it.
STACK_ENV := $(or $(ORDER_SERVICE_DATA_DIR),.order-service)/stack.env
with_stack = $(if $(wildcard $(STACK_ENV)),$(BIN)/dotenv -f $(STACK_ENV) run --no-override --)
is_on = $(filter-out 0 no off false,$(1))

# Installs one lock file and the project. Where the marker is left behind, an install was killed
# halfway: pip would take what it finds for whole, so that .venv is built anew. An install that
# fails by itself (no network) leaves .venv as it was.
define install
	@if [ -e $(BROKEN) ] || ! $(BIN)/python -c 'import pip; $(SUITABLE)' >/dev/null 2>&1; then \
		python=$$($(MAKE) --no-print-directory -s find-python) || exit 1; \
		echo "Building $(VENV) with $$python"; \
		rm -rf $(VENV) && mkdir $(VENV) && touch $(BROKEN) && "$$python" -m venv $(VENV) || exit 1; \
	fi; \
	echo "Installing requirements/$(1)"; \
	touch $(BROKEN); \
	$(PIP) --require-hashes -r requirements/$(1) && $(PIP) --no-deps -e .; \
	status=$$?; rm -f $(BROKEN); exit $$status
endef

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: find-python
find-python:
	@for candidate in $(PYTHONS); do \
		if "$$candidate" -c '$(SUITABLE)' >/dev/null 2>&1; then echo "$$candidate"; exit 0; fi; \
	done; \
	echo 'No Python >= 3.11 with the venv module was found (tried: $(strip $(PYTHONS))).' >&2; \
	echo 'Install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name yours: make PYTHON=/path/to/python3' >&2; \
	exit 1

# The interpreter behind .venv may vanish or be upgraded: both rebuild.
$(BIN)/python: ;

$(RUN_READY): $(BIN)/python requirements/run.lock pyproject.toml
	$(call install,run.lock)
	@touch $(RUN_READY)

$(DEV_READY): $(RUN_READY) requirements/dev.lock
	$(call install,dev.lock)
	@touch $(RUN_READY) $(DEV_READY)

.PHONY: run
run: $(RUN_READY) ## Run everything here [DEMO=1: with sample orders and a person to sign in as] [KAFKA=apache: a durable Kafka, needs Java and Maven]
	@exec $(BIN)/order-service run $(if $(call is_on,$(DEMO)),--demo) $(if $(KAFKA),--kafka $(KAFKA))

# Two workers keep two cores busy, and the third gets those tests that mostly wait, and no others: see
# tests/distribution.py. With more, tests that depend on time find no core when they want one.
# Files stay together, because their tests share servers, and keep their order.
WORKERS ?= 3

# Hundreds of processes are started, each of which would compile the code anew.
test bench: export PYTHONDONTWRITEBYTECODE :=

.PHONY: test
test: $(DEV_READY) ## Run all tests [ARGS="-k name -x"] [WORKERS=3]
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: lint
lint: $(DEV_READY) ## Check style, types, import directions, compose file, workflow and locks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml deploy/patroni/docker-compose.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@if grep -nE '[a-z]+://' requirements/*.lock; then echo 'A lock file must hold no addresses' >&2; exit 1; fi

.PHONY: generate
generate: $(DEV_READY) ## Write the code of the .proto files in schemas/ into the contexts
	@$(BIN)/python schemas/generate.py

.PHONY: format
format: $(DEV_READY) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

.PHONY: migrate-create
migrate-create: $(RUN_READY) ## Start a new migration: CONTEXT=orders NAME=add-x
	@$(if $(and $(CONTEXT),$(NAME)),,echo 'usage: make migrate-create CONTEXT=orders NAME=add-x' >&2; exit 2;) \
		$(BIN)/order-service migrate create --context $(CONTEXT) $(NAME)

.PHONY: migrate-up
migrate-up: $(RUN_READY) ## Apply the migrations that are missing
	@$(with_stack) $(BIN)/order-service migrate up

.PHONY: migrate-down
migrate-down: $(RUN_READY) ## Roll back the newest migration
	@$(with_stack) $(BIN)/order-service migrate down

.PHONY: produce
produce: $(RUN_READY) ## Send sample orders [COUNT=100] [RATE=a second, 0: at once] [INVALID=share of bad ones] [SEED=] [FILE=] [WAIT=1: until they can be looked up]
	@$(with_stack) $(BIN)/python -m producer --count $(COUNT) --rate $(RATE) --invalid $(INVALID) \
		$(if $(SEED),--seed $(SEED)) $(if $(FILE),--file $(FILE)) $(if $(WAIT),--wait)

.PHONY: doctor
doctor: $(RUN_READY) ## Ask the backends of the running stack, or the configured ones, what is wrong
	@$(BIN)/order-service doctor

.PHONY: bench
bench: $(DEV_READY) ## Measure the service [ARGS=...]
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-compare
bench-compare: $(DEV_READY) ## Show what changed between two runs of bench: A= B= a revision or a JSON file each
	@$(if $(and $(A),$(B)),,echo 'usage: make bench-compare A=<revision or file> B=<revision or file>' >&2; exit 2;) \
		$(BIN)/python -m benchmarks.compare $(A) $(B)

.PHONY: screenshots
screenshots: $(DEV_READY) ## Take the pictures of the README anew from the real page (needs Chromium)
	@$(BIN)/python -m tests.browser.screenshots docs/images

.PHONY: chaos
chaos: $(DEV_READY) ## Break things at random and check that nothing is lost [SEED=] [MINUTES=5] [SHOP=1: while people buy] [FAILOVER=1: the primary of a cluster, at 2,000 orders/s]
ifeq ($(call is_on,$(FAILOVER)),)
	@CHAOS_SEED=$(SEED) CHAOS_MINUTES=$(MINUTES) $(BIN)/python -m pytest tests/chaos/test_$(if $(call is_on,$(SHOP)),shop,random).py -s --timeout=0 $(ARGS)
else
	@FAILOVER_RATE=2000 $(BIN)/python -m pytest tests/cluster/test_failover.py -s --timeout=0 $(ARGS)
endif

.PHONY: cluster
cluster: $(DEV_READY) ## Run a Postgres cluster that elects its primary, and print how to use it (needs etcd and haproxy)
	@$(BIN)/python -m tests.cluster

.PHONY: up
up: .env ## Start all of it in containers and wait until it is healthy
	docker compose up --build --detach --wait

.PHONY: down
down: ## Stop the containers of all profiles; volumes stay
	docker compose --profile '*' down

.env:
	@echo 'Copy .env.template to .env and set the passwords first' >&2; exit 1

LOCK := $(BIN)/uv pip compile pyproject.toml -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header $(if $(call is_on,$(UPGRADE)),--upgrade)
# run.lock and service.lock follow the versions of dev.lock: what is tested is what is deployed.
# service.lock has the extra `tracing`, so that traces need no other image; run.lock goes without, as
# the Redis client imports what it finds of OpenTelemetry and starts more slowly with it.
FOLLOW := $(filter-out --upgrade,$(LOCK)) --no-annotate --constraints requirements/dev.lock

.PHONY: lock
lock: $(DEV_READY) ## Write the lock files anew [UPGRADE=1: with the newest versions]
	$(LOCK) --extra tracing --extra registry --group dev -o requirements/dev.lock
	$(FOLLOW) -o requirements/run.lock
	$(FOLLOW) --extra tracing --extra registry --excludes requirements/embedded.txt -o requirements/service.lock

.PHONY: clean
clean: ## Remove .venv, caches and builds; data in .order-service stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
