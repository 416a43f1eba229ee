"""One sidecar, from its first look to its goodbye: every loop, in one task group."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio

from sidecar.agent.board import Board
from sidecar.agent.dependencies import World
from sidecar.agent.election import Ballot
from sidecar.agent.leader import lead_when_elected
from sidecar.agent.lease import Session
from sidecar.agent.reconcile import Tender, watch_process
from sidecar.agent.reporter import Herald
from sidecar.agent.shutdown import Ending
from sidecar.agent.watch_file import keep_applied, remember_applied, watch_file
from sidecar.agent.watch_health import watch_health
from sidecar.agent.watch_network import observe
from sidecar.domain.errors import SidecarError
from sidecar.domain.network.context import timestamp
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import Candidate
from sidecar.domain.records.store import LeaseID
from sidecar.domain.records.tokens import JoinToken
from sidecar.logs import event

log = logging.getLogger(__name__)

GOODBYE = 3.0
"""Seconds that giving the lease back may take; etcd lets it go by itself after the TTL."""

BREATH = 1.0
"""Seconds that a sidecar that goes on has for telling etcd so: it is soon back, and tells it again."""


@dataclass(frozen=True, slots=True)
class Self:
    """What a sidecar says of itself; ``instance`` is new in each life.

    ``file`` is the path of its configuration file, where it has one. ``lease`` is what a life that goes on in
    this one held; ``token`` what it may have to join with.
    """

    instance: str
    host: str
    version: str
    lease: LeaseID | None = None
    token: JoinToken | None = None
    file: str = ""


async def run(
    world: World,
    *,
    board: Board,
    keys: Keys,
    me: Self,
    lease_ttl: float,
    beside: Callable[[], Coroutine[Any, Any, None]],
    ending: Ending,
) -> LeaseID | None:
    """Keep one node in step until the ``ending`` is due. ``beside`` is run beside the loops.

    Says goodbye, unless the sidecar goes on: then returns the lease to go on with.
    """
    session = Session(world.store, board, lease_ttl, me.lease)
    herald = Herald(
        *(world.store, keys, board, me.instance, me.host, me.file),
        sidecar=me.version,
        wall=world.wall,
        token=me.token,
    )

    async def under_lease(lease: LeaseID) -> None:
        identity = board.view.identity
        candidate = Candidate(identity.node_id, identity.url, timestamp(world.wall()), me.instance)
        ballot = Ballot(world.store, keys, lease, candidate)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(herald.report, lease)
            tasks.start_soon(herald.petition, lease)
            tasks.start_soon(herald.contest, lease)
            if identity.may_lead:
                lead = partial(lead_when_elected, ballot, keys=keys, board=board, world=world)
                tasks.start_soon(lead)

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(observe, store=world.store, keys=keys, board=board, herald=herald))
            tasks.start_soon(Tender(board, world.file, world.state, world.process, world.wall).run)
            tasks.start_soon(partial(watch_process, process=world.process, board=board))
            tasks.start_soon(partial(watch_health, probe=world.probe, board=board, rhythm=world.rhythm))
            watch = partial(watch_file, file=world.file, state=world.state, board=board)
            tasks.start_soon(partial(watch, instance=me.instance))
            tasks.start_soon(partial(remember_applied, state=world.state, board=board))
            tasks.start_soon(session.run, under_lease)
            tasks.start_soon(beside)
            await ending.due()
            tasks.cancel_scope.cancel()
    finally:
        await _part(world, board, session, herald, goes_on=ending.goes_on)
    return session.lease


async def _part(world: World, board: Board, session: Session, herald: Herald, *, goes_on: bool) -> None:
    """Let the next leader lead at once, and let go of the process; neither waits for the other.

    A sidecar that goes on keeps both, and has the lease renewed for the time that it is away.
    """
    with anyio.CancelScope(shield=True):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_applied, world.state, board)
            if goes_on:
                tasks.start_soon(_last_call, session.renew, BREATH)
                tasks.start_soon(_last_call, herald.withdraw, BREATH)
            else:
                tasks.start_soon(_last_call, session.end, GOODBYE)
                tasks.start_soon(world.process.release)


async def _last_call(call: Callable[[], Coroutine[Any, Any, None]], within: float) -> None:
    try:
        with anyio.move_on_after(within):
            await call()
    except SidecarError as exc:
        event(log, logging.INFO, "the lease is left as it is; it expires by itself", why=str(exc))
