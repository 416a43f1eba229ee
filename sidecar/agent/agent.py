"""One sidecar, from its start to its shutdown: every loop, in one task group."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup

from sidecar.agent.board import Board
from sidecar.agent.dependencies import Dependencies
from sidecar.agent.leadership.election import Candidacy
from sidecar.agent.leadership.leader import lead_when_elected
from sidecar.agent.leadership.lease import LeaseKeeper
from sidecar.agent.reconcile import Reconciler
from sidecar.agent.reporting.conflict_notifier import ConflictNotifier
from sidecar.agent.reporting.instance import Instance
from sidecar.agent.reporting.join_requester import JoinRequester
from sidecar.agent.reporting.reporter import Reporter
from sidecar.agent.shutdown import Shutdown
from sidecar.agent.watch_file import keep_last_known_good, save_last_known_good, watch_file
from sidecar.agent.watch_health import watch_health
from sidecar.agent.watch_network import watch_network
from sidecar.agent.watch_process import watch_process
from sidecar.domain.errors import SidecarError
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import Candidate
from sidecar.domain.records.store import LeaseID
from sidecar.domain.timestamps import format_timestamp
from sidecar.logs import event

log = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT = 3.0
"""Seconds that revoking the lease may take at most; etcd drops it after the TTL anyway."""

REEXEC_TIMEOUT = 1.0
"""Seconds that the last writes before a re-execution may take at most; the next execution repeats them."""


async def run(
    dependencies: Dependencies,
    *,
    board: Board,
    keys: Keys,
    instance: Instance,
    lease_ttl: float,
    alongside: Callable[[], Coroutine[Any, Any, None]],
    shutdown: Shutdown,
    lease: LeaseID | None = None,
) -> LeaseID | None:
    """Keep one node in step until the ``shutdown`` is due, with ``alongside`` running beside the loops.

    ``lease`` is the one that the previous execution held. Returns the lease for the next execution, if there
    is to be one.
    """
    lease_keeper = LeaseKeeper(dependencies.store, board, lease_ttl, lease)
    under_lease = _UnderLease(
        dependencies,
        board,
        keys,
        instance,
        Reporter(dependencies.store, keys, board, instance),
        JoinRequester(dependencies.store, keys, instance, dependencies.wall),
        ConflictNotifier(dependencies.store, keys, board, instance),
    )
    try:
        async with anyio.create_task_group() as tasks:
            _observe(tasks, dependencies, board, keys, instance)
            tasks.start_soon(Reconciler(dependencies, board, under_lease.join_requester).run)
            tasks.start_soon(partial(keep_last_known_good, state=dependencies.state, board=board))
            tasks.start_soon(lease_keeper.run, under_lease.run)
            tasks.start_soon(alongside)
            await shutdown.wait()
            tasks.cancel_scope.cancel()
    finally:
        await _shut_down(
            dependencies, board, lease_keeper, under_lease.conflict_notifier, reexec=shutdown.reexec
        )
    return lease_keeper.lease


def _observe(tasks: TaskGroup, outside: Dependencies, board: Board, keys: Keys, instance: Instance) -> None:
    """Start the loops that record on the board what happens outside."""
    probing = partial(watch_health, probe=outside.probe, schedule=outside.probe_schedule)
    tasks.start_soon(partial(watch_network, store=outside.store, keys=keys, board=board, instance=instance))
    tasks.start_soon(partial(watch_process, process=outside.process, board=board))
    tasks.start_soon(partial(probing, board=board))
    reading = partial(watch_file, file=outside.file, state=outside.state)
    tasks.start_soon(partial(reading, board=board, instance=instance.id))


@dataclass(frozen=True, slots=True)
class _UnderLease:
    """What runs while the sidecar's lease is alive."""

    dependencies: Dependencies
    board: Board
    keys: Keys
    instance: Instance
    reporter: Reporter
    join_requester: JoinRequester
    conflict_notifier: ConflictNotifier

    async def run(self, lease: LeaseID) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.reporter.run, lease)
            tasks.start_soon(self.join_requester.run, lease)
            tasks.start_soon(self.conflict_notifier.run, lease)
            if self.instance.identity.may_lead:
                tasks.start_soon(self._lead, lease)

    async def _lead(self, lease: LeaseID) -> None:
        identity, at = self.instance.identity, format_timestamp(self.dependencies.wall())
        candidate = Candidate(identity.node_id, identity.url, at, self.instance.id)
        candidacy = Candidacy(self.dependencies.store, self.keys, lease, candidate)
        await lead_when_elected(candidacy, keys=self.keys, board=self.board, dependencies=self.dependencies)


async def _shut_down(
    dependencies: Dependencies,
    board: Board,
    lease_keeper: LeaseKeeper,
    conflict_notifier: ConflictNotifier,
    *,
    reexec: bool,
) -> None:
    """Revoke the lease, so that another node can lead at once, and end the supervision of the process.

    Before a re-execution keep both, and renew the lease for the time in between.
    """
    with anyio.CancelScope(shield=True):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(save_last_known_good, dependencies.state, board)
            if reexec:
                tasks.start_soon(_best_effort, lease_keeper.renew, REEXEC_TIMEOUT, "renew the lease")
                tasks.start_soon(
                    _best_effort, conflict_notifier.withdraw, REEXEC_TIMEOUT, "withdraw the conflict notice"
                )
            else:
                tasks.start_soon(_best_effort, lease_keeper.revoke, SHUTDOWN_TIMEOUT, "revoke the lease")
                tasks.start_soon(dependencies.process.end_supervision)


async def _best_effort(
    action: Callable[[], Coroutine[Any, Any, None]], max_seconds: float, doing: str
) -> None:
    """Run ``action``, which may fail: what it leaves in etcd expires with the lease."""
    try:
        with anyio.move_on_after(max_seconds):
            await action()
    except SidecarError as exc:
        event(log, logging.INFO, "last write before the end failed", doing=doing, reason=str(exc))
