"""The one place that builds adapters and hands them to the loops."""

from __future__ import annotations

import logging
import random
import secrets
import shutil
import socket
import time
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial

import anyio

from sidecar import __version__
from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.adapters.files.config_file import LocalFile
from sidecar.adapters.files.lock import locked
from sidecar.adapters.files.state_folder import LocalState
from sidecar.adapters.probes.choose import choose_probe
from sidecar.adapters.processes.launch import Command
from sidecar.adapters.restart.child import Child
from sidecar.adapters.restart.reaper import must_reap, reap_forever
from sidecar.adapters.restart.unattended import Unattended
from sidecar.admin.listening import listen
from sidecar.agent.agent import Self, World
from sidecar.agent.agent import run as run_agent
from sidecar.agent.board import Board
from sidecar.agent.files import attempt_of, read_at_boot
from sidecar.agent.signals import pass_signals
from sidecar.agent.standing import status_of
from sidecar.config import EtcdAccess, Settings
from sidecar.config.table import Bootstrap, OnRemoved
from sidecar.domain.document import Document
from sidecar.domain.errors import BadConfiguration, ExitCode
from sidecar.domain.identity import Identity, Role, own_url
from sidecar.domain.keys import Keys
from sidecar.domain.report import Phase
from sidecar.domain.view import Known, View
from sidecar.logs import event
from sidecar.ports import Store

log = logging.getLogger(__name__)

ADMIN_WAITS = 1.0
"""Seconds that the admin API leaves the start to the process at most."""


def open_store(access: EtcdAccess) -> AbstractAsyncContextManager[Store]:
    """The etcd that ``access`` names, as a context that closes its connections."""
    return EtcdStore(
        EtcdSettings(
            endpoints=access.endpoints,
            ca=access.ca,
            cert=access.cert,
            key=access.key,
            user=access.user,
            password=access.password,
        )
    )


def run(settings: Settings) -> int:
    """Run the sidecar until it is told to stop; what to exit with."""
    return anyio.run(_run, settings)


async def _run(settings: Settings) -> int:
    # The port first: that it is taken must stop nothing that runs.
    with listen(settings.admin) if settings.admin else nullcontext() as listener:
        return await _run_node(settings, listener)


async def _run_node(settings: Settings, listener: socket.socket | None) -> int:
    file = LocalFile(settings.file, settings.role)
    state = LocalState(settings.state_dir.absolute(), settings.file.name)
    me = Self(secrets.token_hex(4), socket.gethostname(), __version__)
    view = await _look_around(settings, file, state, me.instance)
    stop = anyio.Event()
    # Locked only now: for a file that cannot be used, no folder is made.
    with locked(settings.state_dir.absolute()):
        process = _process_of(settings)
        board = Board(replace(view, process=process.state), since=time.time())
        probe = choose_probe(settings.health, own=view.identity.url, state=lambda: process.state)
        async with open_store(settings.access) as store, anyio.create_task_group() as tasks:
            # Caught before the process is started, and until it has ended.
            await tasks.start(partial(pass_signals, process=process, stop=stop.set))
            if must_reap():
                tasks.start_soon(reap_forever)
            await run_agent(
                World(store, file, state, process, probe, time.time),
                board=board,
                keys=Keys(settings.network),
                me=me,
                lease_ttl=settings.lease_ttl,
                beside=partial(_serve_admin, listener, board, settings.network),
                stop=stop,
            )
            tasks.cancel_scope.cancel()
    code = _exit_code(board, process)
    event(log, logging.INFO, "ended", exit_code=code)
    return code


async def _look_around(settings: Settings, file: LocalFile, state: LocalState, instance: str) -> View:
    """What there is before etcd is asked: the file, and the last-known-good list."""
    remembered = await state.last_known_good()
    known = Known(*remembered) if remembered else None
    document = await read_at_boot(file, state, known)
    identity = identify(settings, document, known)
    return View(
        identity=identity,
        bootstrap=settings.bootstrap is Bootstrap.AUTO,
        stop_when_removed=settings.on_removed is OnRemoved.STOP,
        file=document,
        applied=known,
        attempt=attempt_of(document, instance),
    )


def identify(settings: Settings, document: Document, known: Known | None) -> Identity:
    """Who this node is, by its settings and its file. Raises `BadConfiguration`."""
    node_id = settings.node_id or document.node_id
    if node_id is None:
        raise BadConfiguration(
            f"{settings.file} has no NodeID; add one, or name this node with --node-id (SIDECAR_NODE_ID)"
        )
    if settings.role is Role.DATABASE:
        return Identity(node_id, settings.role, None)
    # Also in the list that was last applied: somebody may have taken this very server out of the file.
    servers = document.servers.appended(known.servers.urls if known else ())
    url = settings.url or own_url(servers, node_id=node_id, port=document.port, local_names=_local_names)
    return Identity(node_id, settings.role, url)


def _local_names() -> set[str]:
    """What this machine is called, and the addresses that its own name leads to; lower case."""
    names = {"localhost", "127.0.0.1", "::1", socket.gethostname().lower()}
    with suppress(OSError):  # a name that leads nowhere has no addresses to add
        names |= {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)}
    return names


def _process_of(settings: Settings) -> Child | Unattended:
    if not settings.command:
        return Unattended()
    if shutil.which(settings.command[0]) is None:
        # Said before the network is changed for a server that cannot start.
        raise BadConfiguration(
            f"command: {settings.command[0]!r} is no program that can be executed (looked for in PATH, "
            "or from the folder where the sidecar was started); correct what stands behind --"
        )
    child = Child(
        Command(settings.command),
        folder=settings.state_dir,
        jitter=random.random,
        stop_timeout=settings.stop_timeout,
    )
    child.adopt()
    return child


async def _serve_admin(listener: socket.socket | None, board: Board, network: str) -> None:
    """Serve the admin API, once the process has started: its server takes a while to import."""
    if listener is None:
        return
    with anyio.move_on_after(ADMIN_WAITS):
        await board.until(lambda: board.at_rest)
    from sidecar.admin.server import serve  # noqa: PLC0415 - aiohttp, after the process has started

    async with serve(partial(status_of, board, network), listener):
        await anyio.sleep_forever()


def _exit_code(board: Board, process: Child | Unattended) -> int:
    """The process's own exit code; without a process, whether the network would have this node."""
    if process.last_exit is not None:
        return process.last_exit
    kept_out = board.decision.phase in (Phase.REFUSED, Phase.REMOVED)
    return ExitCode.REFUSED if kept_out else ExitCode.OK
