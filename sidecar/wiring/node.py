"""One node, from its settings to its end, or to its next life."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import anyio

from sidecar import __version__
from sidecar.adapters.files.config_file import LocalFile
from sidecar.adapters.files.lock import Holder, locked, write_holder
from sidecar.adapters.files.seeding import seed
from sidecar.adapters.files.state_folder import LocalStateFolder
from sidecar.adapters.probes.choose import choose_probe
from sidecar.adapters.probes.newcomer import probe_newcomer
from sidecar.adapters.processes.os_signals import defer_signal, forward_signals
from sidecar.adapters.processes.reaper import must_reap, reap_forever, reap_orphans
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.adapters.systemd_notify import SystemdNotifier
from sidecar.admin.listening import listen
from sidecar.agent.agent import run as run_agent
from sidecar.agent.board import Board
from sidecar.agent.dependencies import Dependencies
from sidecar.agent.instance import Instance
from sidecar.agent.notify import notify
from sidecar.agent.shutdown import Shutdown
from sidecar.agent.status import status_of
from sidecar.config import Settings
from sidecar.config.table import OnRemoved
from sidecar.domain.errors import ExitCode, SidecarError
from sidecar.domain.identity import Identity
from sidecar.domain.node.health import ProbeSchedule
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.report import Phase
from sidecar.logs import event
from sidecar.ports import Probe
from sidecar.wiring.identity import initial_view
from sidecar.wiring.managed_process import ManagedProcess, ReexecHooks, build_process
from sidecar.wiring.reexec import Handover, inheritable_copy, reexec, require_program, take_handover
from sidecar.wiring.reexec_checks import check_new_settings
from sidecar.wiring.state_formats import require_known_formats
from sidecar.wiring.stores import open_store

log = logging.getLogger(__name__)

MAX_ADMIN_DELAY = 1.0
"""Seconds that the admin API leaves the start to the process at most."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What this life of the sidecar has to do with others.

    ``previous`` is what the last one left, ``manager`` whoever launched it. ``reload_settings`` reads the
    settings again, for the next life.
    """

    previous: Handover | None = None
    manager: SystemdNotifier = field(default_factory=SystemdNotifier)
    reload_settings: Callable[[], Settings] | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(4))


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """How a life ended; ``handover`` None: for good."""

    board: Board
    last_exit: int | None
    handover: Handover | None


Alongside = Callable[[Board, Shutdown], Coroutine[Any, Any, None]]
"""What is run beside the loops of a node."""

ReexecCheck = Callable[[], Coroutine[Any, Any, None]]
"""Raises where the next life could not come up."""


def run(settings: Settings, load: Callable[[], Settings]) -> int:
    """``sidecar run``: keep the node until told to stop; what to exit with."""
    execution = Execution(take_handover(os.environ), SystemdNotifier.from_environment(os.environ), load)
    result = anyio.run(_run, settings, execution)
    if result.handover is not None:
        os.environ.update(execution.manager.inherited_variables)
        reexec(result.handover)
    code = _exit_code(result)
    event(log, logging.INFO, "ended", exit_code=code)
    return code


async def _run(settings: Settings, execution: Execution) -> ExecutionResult:
    # The port first: that it is taken must stop nothing that runs.
    with _admin_listener(settings, execution.previous) as listener:

        async def alongside(board: Board, shutdown: Shutdown) -> None:
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(partial(notify, manager=execution.manager, board=board))
                    tasks.start_soon(_serve_admin, listener, board, settings.network)
            finally:
                # The next life serves who connects meanwhile; after the last one, nobody must wait for it.
                if listener and not shutdown.reexec:
                    listener.close()

        result = await run_node(settings, execution, alongside)
        if result.handover is None or listener is None:
            return result
        handover = replace(
            result.handover, listener=inheritable_copy(listener.fileno()), admin_address=str(settings.admin)
        )
        return replace(result, handover=handover)


async def run_node(settings: Settings, execution: Execution, alongside: Alongside) -> ExecutionResult:
    """Keep the node until its ending is due, with ``alongside`` beside the loops."""
    seed(settings.seed, settings.file, settings.role)
    file = LocalFile(settings.file, settings.role)
    folder = settings.state_dir.absolute()
    require_known_formats(folder)
    state = LocalStateFolder(folder, settings.file.name)
    previous = execution.previous
    instance_id = previous.instance if previous else secrets.token_hex(4)
    failed_starts = previous.failed_starts if previous else 0
    view = await initial_view(settings, file, state, instance_id, failed_starts=failed_starts)
    instance = _instance(settings, view.identity, instance_id)
    board = Board(
        view, phase_since=time.time(), file_unchanged_since=_to_monotonic(settings.file.stat().st_mtime)
    )
    shutdown = Shutdown(board)
    # Locked only now: for a file that cannot be used, no folder is made.
    with locked(folder, previous.lock if previous else None) as lock:
        write_holder(lock, Holder(os.getpid(), execution.id))
        check_reexec = partial(_check_reexec, execution, settings, view.identity)
        hooks = ReexecHooks(
            execution.id, partial(_reexec_immediately, check_reexec, shutdown), board.file_servers_at
        )
        process = await build_process(settings, hooks)
        if execution.previous is not None:
            reap_orphans()  # a child that ended while the sidecar was executed anew
        board.update(process=process.state, stop_when_removed=_stops_when_removed(settings, process))
        async with open_store(settings.access) as store, anyio.create_task_group() as tasks:
            # Caught before the process is started, and until it has ended.
            stop, go_on = _signal_handlers(execution, check_reexec, shutdown, lock)
            # Not waited for: it takes a while, and whoever wants the sidecar to end must not wait for it.
            told = partial(
                forward_signals, process=process, stop=stop, reexec=partial(tasks.start_soon, go_on)
            )
            await tasks.start(partial(told, will_reexec=lambda: shutdown.decided and shutdown.reexec))
            if must_reap():
                tasks.start_soon(reap_forever)
            lease = await run_agent(
                Dependencies(
                    *(store, file, state, process, _probe(settings, board, process)),
                    probe_newcomer,
                    time.time,
                    ProbeSchedule(settings.health_interval, settings.health_threshold),
                ),
                board=board,
                keys=Keys(settings.network),
                instance=instance,
                lease_ttl=settings.lease_ttl,
                lease=previous.lease_id if previous else None,
                alongside=partial(alongside, board, shutdown),
                shutdown=shutdown,
            )
            tasks.cancel_scope.cancel()
        if shutdown.reexec:
            execution.manager.tell_reloading()
            handover = Handover(
                os.getpid(), instance.id, inheritable_copy(lock), None, lease, board.view.failed_starts
            )
            return ExecutionResult(board, None, handover)
    return ExecutionResult(board, process.last_exit, None)


def _to_monotonic(moment: float) -> float:
    """A moment since the epoch as one of the monotonic clock; both are read at once."""
    return anyio.current_time() - time.time() + moment


def _instance(settings: Settings, identity: Identity, instance_id: str) -> Instance:
    file = str(settings.file.absolute()).encode(errors="replace").decode()  # a name may be any bytes
    return Instance(identity, instance_id, socket.gethostname(), __version__, file, settings.join_token)


def _stops_when_removed(settings: Settings, process: ManagedProcess) -> bool:
    """Not what would be started again at once by whoever launched it."""
    can_stop = process.driver.can_stop if isinstance(process, ExternalProcess) else True
    return settings.on_removed is OnRemoved.STOP and can_stop


def _probe(settings: Settings, board: Board, process: ManagedProcess) -> Probe:
    platform = process if isinstance(process, ExternalProcess) else None
    own = board.view.identity.url
    return choose_probe(
        settings.health,
        own_url=own,
        state=lambda: process.state,
        platform=platform,
        timeout=settings.health_timeout,
    )


async def _reexec_immediately(check_reexec: ReexecCheck, shutdown: Shutdown) -> None:
    """What a restart of the sidecar itself does, at once: it is what is being done to its process."""
    await check_reexec()
    shutdown.request_reexec(immediate=True)


async def _check_reexec(execution: Execution, settings: Settings, identity: Identity) -> None:
    """Raise `SidecarError` where the next life could not come up, or would not be this node's."""
    await require_program()
    if execution.reload_settings:
        await check_new_settings(settings, execution.reload_settings(), identity)


def _signal_handlers(
    execution: Execution, check_reexec: ReexecCheck, shutdown: Shutdown, lock: int
) -> tuple[Callable[[], None], Callable[[], Coroutine[Any, Any, None]]]:
    """What it means to this sidecar to be told to stop, and to go on anew."""
    refused = 0

    def stop() -> None:
        if shutdown.request_stop():
            execution.manager.notify(STOPPING=1)
        else:
            defer_signal(signal.SIGTERM)

    async def go_on() -> None:
        nonlocal refused
        try:
            await check_reexec()
        except SidecarError as exc:
            refused += 1
            event(log, logging.ERROR, "not reloaded", error=str(exc))
            write_holder(lock, Holder(os.getpid(), execution.id, refused, str(exc)))
        else:
            shutdown.request_reexec()

    return stop, go_on


def _admin_listener(
    settings: Settings, previous: Handover | None
) -> AbstractContextManager[socket.socket | None]:
    """The socket of the admin API: the one that the last life listened on, where it is the same address."""
    if previous is not None and previous.listener is not None:
        inherited = socket.socket(fileno=previous.listener)
        if settings.admin and previous.admin_address == str(settings.admin):
            return inherited
        inherited.close()
    return listen(settings.admin) if settings.admin else nullcontext()


async def _serve_admin(listener: socket.socket | None, board: Board, network: str) -> None:
    """Serve the admin API, once the process has started: its server takes a while to import."""
    if listener is None:
        return
    with anyio.move_on_after(MAX_ADMIN_DELAY):
        await board.wait_until(lambda: board.idle)
    from sidecar.admin.server import serve  # noqa: PLC0415 - aiohttp, after the process has started

    async with serve(partial(status_of, board, network), listener.dup()):
        await anyio.sleep_forever()


def _exit_code(result: ExecutionResult) -> int:
    """The process's own exit code; without a process, whether the network would have this node."""
    if result.last_exit is not None:
        return result.last_exit
    kept_out = result.board.decision.phase in (Phase.REFUSED, Phase.REMOVED)
    return ExitCode.REFUSED if kept_out else ExitCode.OK
