"""How this life of the sidecar ends: for good, or in a next one that goes on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from sidecar.agent.board import Board

IN_PROGRESS_TIMEOUT = 60.0
"""Seconds that what is being done to the process is waited for at most before the sidecar goes on anew."""


@dataclass(slots=True)
class Shutdown:
    """Asked for by signals and by a restart of the sidecar itself; the end for good wins.

    Once this life is ``decided``, nothing changes how it ended.
    """

    board: Board
    reexec: bool = False
    immediate: bool = False
    decided: bool = False
    requested: anyio.Event = field(default_factory=anyio.Event)

    def request_stop(self) -> bool:
        """End for good; False where this life is over already, and the next one has to be told."""
        if self.decided and self.reexec:
            return False
        self.reexec = False
        self.requested.set()
        self.board.wake()
        return True

    def request_reexec(self, *, immediate: bool = False) -> None:
        """End, and be executed anew; ``immediate`` also while something is being done to the process."""
        if not self.requested.is_set():
            self.reexec, self.immediate = True, immediate
            self.requested.set()

    async def wait(self) -> None:
        """Return when this life is to end."""
        await self.requested.wait()
        if self.reexec and not self.immediate:
            with anyio.move_on_after(IN_PROGRESS_TIMEOUT):
                await self.board.wait_until(lambda: self.board.view.in_progress is None or not self.reexec)
        self.decided = True
