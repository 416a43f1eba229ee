"""``sidecar run``: one execution of the sidecar, to its exit code or to the next execution."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import anyio

from sidecar.adapters.systemd_notify import SystemdNotifier
from sidecar.agent.board import Board
from sidecar.agent.notify import notify
from sidecar.agent.shutdown import Shutdown
from sidecar.config import Settings
from sidecar.domain.errors import ExitCode
from sidecar.domain.records.report import Phase
from sidecar.logs import event
from sidecar.wiring.admin import admin_listener, serve_admin
from sidecar.wiring.execution import Execution, ExecutionResult
from sidecar.wiring.node import run_node
from sidecar.wiring.reexec import inheritable_copy, reexec, take_handover

log = logging.getLogger(__name__)


def run(settings: Settings, load: Callable[[], Settings]) -> int:
    """Keep the node until the sidecar is stopped; return its exit code."""
    execution = Execution(take_handover(os.environ), SystemdNotifier.from_environment(os.environ), load)
    result = anyio.run(_run, settings, execution)
    if result.handover is not None:
        os.environ.update(execution.manager.inherited_variables)
        reexec(result.handover)
    code = _exit_code(result)
    event(log, logging.INFO, "ended", exit_code=code)
    return code


async def _run(settings: Settings, execution: Execution) -> ExecutionResult:
    # The port first: if it is taken, nothing that runs must stop.
    with admin_listener(settings.admin, execution.previous) as listener:
        result = await run_node(settings, execution, partial(_alongside, settings, execution, listener))
        if result.handover is None or listener is None:
            return result
        handover = replace(
            result.handover, listener=inheritable_copy(listener.fileno()), admin_address=str(settings.admin)
        )
        return replace(result, handover=handover)


async def _alongside(
    settings: Settings,
    execution: Execution,
    listener: socket.socket | None,
    board: Board,
    shutdown: Shutdown,
) -> None:
    """Notify the service manager, and serve the admin API."""
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(notify, manager=execution.manager, board=board))
            tasks.start_soon(serve_admin, listener, board, settings.network)
    finally:
        # The next execution serves clients that connect meanwhile; after the last one, none may wait.
        if listener and not shutdown.reexec:
            listener.close()


def _exit_code(result: ExecutionResult) -> int:
    """The process's own exit code; without a process, whether the network refused this node."""
    if result.last_exit is not None:
        return result.last_exit
    kept_out = result.board.decision.phase in (Phase.REFUSED, Phase.REMOVED)
    return ExitCode.REFUSED if kept_out else ExitCode.OK
