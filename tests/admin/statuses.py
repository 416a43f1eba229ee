"""A status for tests to change."""

from __future__ import annotations

from sidecar.domain.identity import Identity, Role
from sidecar.domain.node.status import Counters, Status
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import NodeID, ServerUrl

RUNNING = Status(
    identity=Identity(NodeID("fed-1"), Role.FEDERATED, ServerUrl.parse("http://localhost:9000")),
    network="default",
    phase=Phase.RUNNING,
    reason="the process runs, healthy, on the list of version 5",
    phase_since=1_780_000_000.0,
    synced=True,
    file_up_to_date=True,
    lease_alive=True,
    boot_checked=True,
    leading=True,
    healthy=True,
    pid=4711,
    canonical_version=5,
    loaded_version=5,
    servers=("http://localhost:9000", "http://localhost:9001"),
    counters=Counters(starts=1, restarts=4, store_errors=2),
)
