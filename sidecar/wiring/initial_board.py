"""What the sidecar knows before it asks etcd: its file, and the last-known-good list."""

from __future__ import annotations

import time

import anyio

from sidecar.agent.board import Board
from sidecar.agent.watch_file import join_attempt_id, read_at_boot
from sidecar.config import Settings
from sidecar.config.table import Bootstrap
from sidecar.domain.node.process import StartupTimeout
from sidecar.domain.node.view import FileView, HealthView, NodeOptions, View
from sidecar.domain.records.canonical import VersionedServers
from sidecar.ports import ConfigFile, StateFolder
from sidecar.wiring.execution import Execution
from sidecar.wiring.identity import identify


async def initial_board(
    settings: Settings, file: ConfigFile, state: StateFolder, execution: Execution
) -> Board:
    """The board with which the loops start. Raises `BadFile` or `BadConfiguration`."""
    loaded = await state.load_last_known_good()
    last_known_good = VersionedServers(*loaded) if loaded else None
    document = await read_at_boot(file, state, last_known_good)
    view = View(
        identity=identify(settings.node, document, last_known_good),
        sidecar_started_at=anyio.current_time(),
        options=NodeOptions(
            may_bootstrap=settings.membership.bootstrap is Bootstrap.AUTO,
            startup_timeout=StartupTimeout(settings.process.start_timeout),
        ),
        file=FileView(document, attempt=join_attempt_id(document, execution.instance_id)),
        health=HealthView(failed_starts=execution.failed_starts),
        last_known_good=last_known_good,
    )
    unchanged_since = _to_monotonic(settings.node.file.stat().st_mtime)
    return Board(view, phase_since=time.time(), file_unchanged_since=unchanged_since)


def _to_monotonic(moment: float) -> float:
    """A moment since the epoch as one of the monotonic clock; both are read at once."""
    return anyio.current_time() - time.time() + moment
