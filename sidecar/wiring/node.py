"""One node, from its settings to the end of this execution."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

import anyio

from sidecar.adapters.files.config_file import LocalFile
from sidecar.adapters.files.lock import Holder, locked, write_holder
from sidecar.adapters.files.seeding import seed
from sidecar.adapters.files.state_folder import LocalStateFolder
from sidecar.adapters.processes.reaper import must_reap, reap_forever, reap_orphans
from sidecar.adapters.restart.drivers.reexec import ReexecDriver
from sidecar.agent.agent import run as run_agent
from sidecar.agent.board import Board
from sidecar.agent.shutdown import Shutdown
from sidecar.config import Settings
from sidecar.domain.records.keys import Keys
from sidecar.wiring.dependencies import build_dependencies, open_store
from sidecar.wiring.execution import Execution, ExecutionResult
from sidecar.wiring.identity import build_instance
from sidecar.wiring.initial_board import initial_board
from sidecar.wiring.managed_process import build_process, restarts_in_place, stops_when_removed
from sidecar.wiring.reexec import Handover, inheritable_copy
from sidecar.wiring.reexec_checks import check_reexec
from sidecar.wiring.signals import ReexecCheck, SignalHandlers
from sidecar.wiring.state_formats import require_known_formats

Alongside = Callable[[Board, Shutdown], Coroutine[Any, Any, None]]
"""What runs beside the loops of a node."""


async def run_node(settings: Settings, execution: Execution, alongside: Alongside) -> ExecutionResult:
    """Keep the node until its shutdown, with ``alongside`` running beside the loops."""
    node = settings.node
    seed(node.seed, node.file, node.role)
    folder = node.state_dir.absolute()
    require_known_formats(folder)
    file, state = LocalFile(node.file, node.role), LocalStateFolder(folder, node.file.name)
    board = await initial_board(settings, file, state, execution)
    instance, shutdown = build_instance(settings, board.view.identity, execution.instance_id), Shutdown(board)
    # Locked only now: no folder is made for a file that cannot be used.
    with locked(folder, execution.inherited_lock) as lock:
        write_holder(lock, Holder(os.getpid(), execution.id))
        check = partial(check_reexec, settings, execution.reload_settings, instance.identity)
        reexec_driver = ReexecDriver(execution.id, partial(_reexec_immediately, check, shutdown))
        process = await build_process(settings, reexec_driver, board.file_servers_at)
        if execution.previous is not None:
            reap_orphans()  # a child that ended while the sidecar re-executed
        board.set_process(process.state)
        board.set_options(
            replace(
                board.view.options,
                stop_when_removed=stops_when_removed(settings, process),
                restarts_in_place=restarts_in_place(process),
            )
        )
        async with open_store(settings.etcd) as store, anyio.create_task_group() as tasks:
            # Caught before the process is started, and until it has ended.
            await SignalHandlers(execution, shutdown, check, lock).install(tasks, process)
            if must_reap():
                tasks.start_soon(reap_forever)
            lease = await run_agent(
                build_dependencies(
                    settings, instance.identity, store=store, file=file, state=state, process=process
                ),
                board=board,
                keys=Keys(settings.network),
                instance=instance,
                lease_ttl=settings.membership.lease_ttl,
                lease=execution.inherited_lease,
                alongside=partial(alongside, board, shutdown),
                shutdown=shutdown,
            )
            tasks.cancel_scope.cancel()
        if not shutdown.reexec:
            return ExecutionResult(board, process.last_exit)
        execution.manager.notify_reloading()
        handover = Handover(
            pid=os.getpid(),
            instance=instance.id,
            lock=inheritable_copy(lock),
            listener=None,
            lease=lease,
            failed_starts=board.view.health.failed_starts,
        )
        return ExecutionResult(board, handover=handover)


async def _reexec_immediately(check: ReexecCheck, shutdown: Shutdown) -> None:
    """Re-execute at once: it is itself what is being done to the process."""
    await check()
    shutdown.request_reexec(immediate=True)
