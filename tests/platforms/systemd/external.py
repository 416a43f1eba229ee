"""An `ExternalProcess` on the `systemd` driver, and the units that it manages."""

from __future__ import annotations

from collections.abc import Callable

from sidecar.adapters.restart.external import ExternalProcess
from sidecar.domain.node.process import Exited, Running
from tests.builders import servers

OLD = servers(9000)
NEW = servers(9000, 9001)

NAME = "federated-server.service"
SLEEPS = "ExecStart=/bin/sleep infinity"
# It is ready once it ignores SIGTERM.
IGNORES_SIGTERM = (
    "Type=notify\nNotifyAccess=all\n"
    "ExecStart=/bin/sh -c \"trap '' TERM; systemd-notify --ready; while :; do sleep 1; done\"\n"
    "TimeoutStopSec=600"
)
NEVER_READY = "Type=notify\nExecStart=/bin/sleep infinity\nTimeoutStartSec=infinity"
FAILS = "Type=notify\nExecStart=/bin/sh -c 'exit 3'"


MakeExternal = Callable[..., ExternalProcess]


def running(process: ExternalProcess) -> Running:
    assert isinstance(process.state, Running), process.state
    return process.state


def exited(process: ExternalProcess) -> Exited:
    assert isinstance(process.state, Exited), process.state
    return process.state
