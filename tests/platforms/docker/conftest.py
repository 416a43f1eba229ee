"""What the tests on a Docker engine share."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator

import pytest

from tests.kit.prerequisites import require
from tests.platforms.docker.engine import Container, docker
from tests.platforms.docker.stack import Stack

CONTAINERS = pytest.StashKey[list[Container]]()
STACK = pytest.StashKey[Stack]()


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Require an engine that answers."""
    require(shutil.which("docker") is not None, "docker on PATH")
    require(docker("version").code == 0, "a Docker engine that answers (tools/docker-engine starts one)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report the state and logs of the containers of a failed test."""
    report = yield
    if report.when == "call" and report.failed:
        for container in item.stash.get(CONTAINERS, []):
            state = docker("inspect", "-f", "{{json .State}}", container.name).out
            log = "\n".join(container.log.splitlines()[-40:])
            report.sections.append((container.name, f"{state}\n{log}"))
        if STACK in item.stash:
            report.sections += item.stash[STACK].describe()
    return report


@pytest.fixture
def container(request: pytest.FixtureRequest) -> Iterator[Container]:
    """A container for this test; it is not created yet."""
    found = Container(f"test-{request.node.name.replace('_', '-')[:50]}")
    found.remove()
    request.node.stash.setdefault(CONTAINERS, []).append(found)
    try:
        yield found
    finally:
        found.remove()
