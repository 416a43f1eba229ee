"""The state of a failed test's network in the test report; a ``conftest`` imports the hook."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.kit.network import Network

NETWORK = pytest.StashKey[Network]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report the files, events and logs of the nodes of a failed test."""
    report = yield
    if report.when == "call" and report.failed and NETWORK in item.stash:
        report.sections.append(("the network", item.stash[NETWORK].describe()))
    return report
