"""The cluster that the driver of these tests talks to."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess
from sidecar.adapters.restart.drivers.kubernetes.driver import KubernetesDriver, WatchIntervals
from sidecar.adapters.restart.drivers.kubernetes.workload import (
    Workload,
)
from sidecar.domain.servers import ServerList
from tests.kubernetes_api import (
    Cluster,
)

LIST = ServerList.parse(["http://fed-0.fed:9000", "http://fed-1.fed:9000"])


LONGER = LIST.appended(ServerList.parse(["http://fed-2.fed:9000"]))


STARTED_AT = 1767225600.0
"""When the container of `pod` started: 2026-01-01T00:00:00Z."""


FED = Workload("statefulsets", "fed")


SHORT_INTERVALS = WatchIntervals(first=0.01, without_watch=0.01)


@dataclass
class FakeCluster:
    """A cluster that answers, and the sidecar's access to it."""

    cluster: Cluster
    access: KubernetesAccess

    def driver(self, workload: Workload | None = None) -> KubernetesDriver:
        return KubernetesDriver(
            self.access, workload=workload, now=lambda: STARTED_AT + 60, intervals=SHORT_INTERVALS
        )


async def observed(driver: KubernetesDriver) -> Incarnation:
    incarnation = await driver.observe()
    assert incarnation is not None
    return incarnation


def busy(status: int, wait: str | None) -> web.Response:
    """What an overloaded API server says: no Status, but plain text."""
    headers = {"Retry-After": wait} if wait is not None else {}
    return web.Response(status=status, text="Too many requests, please try again later.\n", headers=headers)
