"""How this execution of the sidecar ends: for good, or with a re-execution that continues its work."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from sidecar.agent.board import Board

IN_PROGRESS_TIMEOUT = 60.0
"""Seconds that a re-execution waits at most for an action on the process to end."""


@dataclass(slots=True)
class Shutdown:
    """Requested by signals, or by a restart of the sidecar itself; a stop overrides a re-execution.

    Once ``decided``, nothing changes which of the two it is.
    """

    board: Board
    reexec: bool = False
    immediate: bool = False
    decided: bool = False
    requested: anyio.Event = field(default_factory=anyio.Event)

    def request_stop(self) -> bool:
        """Stop for good; False if the re-execution is already decided, so that the next one must stop."""
        if self.decided and self.reexec:
            return False
        self.reexec = False
        self.requested.set()
        self.board.wake()
        return True

    def request_reexec(self, *, immediate: bool = False) -> None:
        """Stop and re-execute; ``immediate``: do not wait for an action on the process."""
        if not self.requested.is_set():
            self.reexec, self.immediate = True, immediate
            self.requested.set()

    async def wait(self) -> None:
        """Return when this execution is to end."""
        await self.requested.wait()
        if self.reexec and not self.immediate:
            with anyio.move_on_after(IN_PROGRESS_TIMEOUT):
                await self.board.wait_until(self._may_end)
        self.decided = True

    def _may_end(self) -> bool:
        return self.board.view.process.in_progress is None or not self.reexec
