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
from sidecar.adapters.files.lock import Holder, locked, tell
from sidecar.adapters.files.seeding import seed
from sidecar.adapters.files.state_folder import LocalState
from sidecar.adapters.probes.choose import choose_probe
from sidecar.adapters.probes.newcomer import ask_newcomer
from sidecar.adapters.processes.os_signals import keep_for_the_next, pass_signals
from sidecar.adapters.processes.reaper import must_reap, reap_forever, reap_orphans
from sidecar.adapters.restart.external import Attended
from sidecar.adapters.service_manager import ServiceManager
from sidecar.admin.listening import listen
from sidecar.agent.agent import Self
from sidecar.agent.agent import run as run_agent
from sidecar.agent.board import Board
from sidecar.agent.dependencies import World
from sidecar.agent.notify import announce
from sidecar.agent.shutdown import Ending
from sidecar.agent.status import status_of
from sidecar.config import Settings
from sidecar.config.table import OnRemoved
from sidecar.domain.errors import ExitCode, SidecarError
from sidecar.domain.identity import Identity
from sidecar.domain.node.health import Rhythm
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.report import Phase
from sidecar.logs import event
from sidecar.ports import Probe
from sidecar.wiring.identity import look_around
from sidecar.wiring.managed_process import Neighbour, Sidecar, find_process
from sidecar.wiring.reexec import Handover, execute_anew, handed_over, keep, require_program
from sidecar.wiring.reexec_checks import check_next_life
from sidecar.wiring.stores import open_store

log = logging.getLogger(__name__)

ADMIN_WAITS = 1.0
"""Seconds that the admin API leaves the start to the process at most."""


@dataclass(frozen=True, slots=True)
class Life:
    """What this life of the sidecar has to do with others.

    ``before`` is what the last one left, ``manager`` whoever launched it. ``load`` reads the settings again,
    for the next life.
    """

    before: Handover | None = None
    manager: ServiceManager = field(default_factory=ServiceManager)
    load: Callable[[], Settings] | None = None
    name: str = field(default_factory=lambda: secrets.token_hex(4))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a life ended; ``handover`` None: for good."""

    board: Board
    last_exit: int | None
    handover: Handover | None


Beside = Callable[[Board, Ending], Coroutine[Any, Any, None]]
"""What is run beside the loops of a node."""

Check = Callable[[], Coroutine[Any, Any, None]]
"""Raises where the next life could not come up."""


def run(settings: Settings, load: Callable[[], Settings]) -> int:
    """``sidecar run``: keep the node until told to stop; what to exit with."""
    life = Life(handed_over(os.environ), ServiceManager.of(os.environ), load)
    ended = anyio.run(_run, settings, life)
    if ended.handover is not None:
        os.environ.update(life.manager.given)
        execute_anew(ended.handover)
    code = _exit_code(ended)
    event(log, logging.INFO, "ended", exit_code=code)
    return code


async def _run(settings: Settings, life: Life) -> Ended:
    # The port first: that it is taken must stop nothing that runs.
    with _listener(settings, life.before) as listener:

        async def beside(board: Board, ending: Ending) -> None:
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(partial(announce, manager=life.manager, board=board))
                    tasks.start_soon(_serve_admin, listener, board, settings.network)
            finally:
                # The next life serves who connects meanwhile; after the last one, nobody must wait for it.
                if listener and not ending.goes_on:
                    listener.close()

        ended = await run_node(settings, life, beside)
        if ended.handover is None or listener is None:
            return ended
        kept = replace(ended.handover, listener=keep(listener.fileno()), admin=str(settings.admin))
        return replace(ended, handover=kept)


async def run_node(settings: Settings, life: Life, beside: Beside) -> Ended:
    """Keep the node until its ending is due, with ``beside`` beside the loops."""
    seed(settings.seed, settings.file, settings.role)
    file = LocalFile(settings.file, settings.role)
    folder = settings.state_dir.absolute()
    state = LocalState(folder, settings.file.name)
    me = _self(life, settings)
    fruitless = life.before.fruitless if life.before else 0
    view = await look_around(settings, file, state, me.instance, fruitless=fruitless)
    board = Board(view, since=time.time(), held_since=_on_the_clock(settings.file.stat().st_mtime))
    ending = Ending(board)
    # Locked only now: for a file that cannot be used, no folder is made.
    with locked(folder, life.before.lock if life.before else None) as lock:
        tell(lock, Holder(os.getpid(), life.name))
        check_next = partial(_check_next, life, settings, view.identity)
        sidecar = Sidecar(life.name, partial(_restart_itself, check_next, ending), board.held_at)
        process = await find_process(settings, sidecar)
        if life.before is not None:
            reap_orphans()  # a child that ended while the sidecar was executed anew
        board.update(process=process.state, stop_when_removed=_stops_when_removed(settings, process))
        async with open_store(settings.access) as store, anyio.create_task_group() as tasks:
            # Caught before the process is started, and until it has ended.
            stop, go_on = _meanings(life, check_next, ending, lock)
            # Not waited for: it takes a while, and whoever wants the sidecar to end must not wait for it.
            told = partial(pass_signals, process=process, stop=stop, go_on=partial(tasks.start_soon, go_on))
            await tasks.start(partial(told, goes_on=lambda: ending.over and ending.goes_on))
            if must_reap():
                tasks.start_soon(reap_forever)
            lease = await run_agent(
                World(
                    *(store, file, state, process, _probe(settings, board, process)),
                    ask_newcomer,
                    time.time,
                    Rhythm(settings.health_interval, settings.health_threshold),
                ),
                board=board,
                keys=Keys(settings.network),
                me=me,
                lease_ttl=settings.lease_ttl,
                beside=partial(beside, board, ending),
                ending=ending,
            )
            tasks.cancel_scope.cancel()
        if ending.goes_on:
            life.manager.tell_reloading()
            left = Handover(os.getpid(), me.instance, keep(lock), None, lease, board.view.fruitless)
            return Ended(board, None, left)
    return Ended(board, process.last_exit, None)


def _on_the_clock(moment: float) -> float:
    """A moment since the epoch as one of the monotonic clock; both are read at once."""
    return anyio.current_time() - time.time() + moment


def _self(life: Life, settings: Settings) -> Self:
    before = life.before
    return Self(
        before.instance if before else secrets.token_hex(4),
        *(socket.gethostname(), __version__),
        lease=before.lease_id if before else None,
        token=settings.join_token,
        file=str(settings.file.absolute()).encode(errors="replace").decode(),  # a name may be any bytes
    )


def _stops_when_removed(settings: Settings, process: Neighbour) -> bool:
    """Not what would be started again at once by whoever launched it."""
    can_stop = process.driver.keeps_stopped if isinstance(process, Attended) else True
    return settings.on_removed is OnRemoved.STOP and can_stop


def _probe(settings: Settings, board: Board, process: Neighbour) -> Probe:
    platform = process if isinstance(process, Attended) else None
    own = board.view.identity.url
    return choose_probe(
        settings.health,
        own=own,
        state=lambda: process.state,
        platform=platform,
        timeout=settings.health_timeout,
    )


async def _restart_itself(check_next: Check, ending: Ending) -> None:
    """What a restart of the sidecar itself does, at once: it is what is being done to its process."""
    await check_next()
    ending.go_on(at_once=True)


async def _check_next(life: Life, settings: Settings, here: Identity) -> None:
    """Raise `SidecarError` where the next life could not come up, or would not be this node's."""
    await require_program()
    if life.load:
        await check_next_life(settings, life.load(), here)


def _meanings(
    life: Life, check_next: Check, ending: Ending, lock: int
) -> tuple[Callable[[], None], Callable[[], Coroutine[Any, Any, None]]]:
    """What it means to this sidecar to be told to stop, and to go on anew."""
    refused = 0

    def stop() -> None:
        if ending.stop():
            life.manager.tell(STOPPING=1)
        else:
            keep_for_the_next(signal.SIGTERM)

    async def go_on() -> None:
        nonlocal refused
        try:
            await check_next()
        except SidecarError as exc:
            refused += 1
            event(log, logging.ERROR, "not reloaded", error=str(exc))
            tell(lock, Holder(os.getpid(), life.name, refused, str(exc)))
        else:
            ending.go_on()

    return stop, go_on


def _listener(settings: Settings, before: Handover | None) -> AbstractContextManager[socket.socket | None]:
    """The socket of the admin API: the one that the last life listened on, where it is the same address."""
    if before is not None and before.listener is not None:
        inherited = socket.socket(fileno=before.listener)
        if settings.admin and before.admin == str(settings.admin):
            return inherited
        inherited.close()
    return listen(settings.admin) if settings.admin else nullcontext()


async def _serve_admin(listener: socket.socket | None, board: Board, network: str) -> None:
    """Serve the admin API, once the process has started: its server takes a while to import."""
    if listener is None:
        return
    with anyio.move_on_after(ADMIN_WAITS):
        await board.until(lambda: board.at_rest)
    from sidecar.admin.server import serve  # noqa: PLC0415 - aiohttp, after the process has started

    async with serve(partial(status_of, board, network), listener.dup()):
        await anyio.sleep_forever()


def _exit_code(ended: Ended) -> int:
    """The process's own exit code; without a process, whether the network would have this node."""
    if ended.last_exit is not None:
        return ended.last_exit
    kept_out = ended.board.decision.phase in (Phase.REFUSED, Phase.REMOVED)
    return ExitCode.REFUSED if kept_out else ExitCode.OK
