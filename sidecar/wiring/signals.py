"""What signals to the sidecar do: end this execution, for good or for the next one."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio.abc import TaskGroup

from sidecar.adapters.files.lock import Holder, write_holder
from sidecar.adapters.processes.os_signals import defer_signal, forward_signals
from sidecar.agent.shutdown import Shutdown
from sidecar.domain.errors import SidecarError
from sidecar.logs import event
from sidecar.wiring.execution import Execution
from sidecar.wiring.managed_process import ManagedProcess

log = logging.getLogger(__name__)

ReexecCheck = Callable[[], Coroutine[Any, Any, None]]
"""Raises `SidecarError` if the next execution could not take over."""


@dataclass(slots=True)
class SignalHandlers:
    """``lock`` is where the holder of the state folder is written, and that it refused to re-execute."""

    execution: Execution
    shutdown: Shutdown
    check_reexec: ReexecCheck
    lock: int
    refusals: int = 0

    async def install(self, tasks: TaskGroup, process: ManagedProcess) -> None:
        """Catch signals until ``tasks`` are cancelled; all others are passed on to ``process``."""
        reload = partial(tasks.start_soon, self.reload)  # not awaited: it takes a while, and SIGTERM must not
        await tasks.start(
            partial(
                forward_signals,
                process=process,
                stop=self.stop,
                reexec=reload,
                will_reexec=lambda: self.shutdown.decided and self.shutdown.reexec,
            )
        )

    def stop(self) -> None:
        """Stop the sidecar; if it is about to re-execute, the next execution gets the signal."""
        if self.shutdown.request_stop():
            self.execution.manager.notify(STOPPING=1)
        else:
            defer_signal(signal.SIGTERM)

    async def reload(self) -> None:
        """Re-execute the sidecar, unless the next execution could not take over."""
        try:
            await self.check_reexec()
        except SidecarError as exc:
            self.refusals += 1
            event(log, logging.ERROR, "not reloaded", reason=str(exc))
            write_holder(self.lock, Holder(os.getpid(), self.execution.id, self.refusals, str(exc)))
        else:
            self.shutdown.request_reexec()
