"""How this life of the sidecar ends: for good, or in a next one that goes on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from sidecar.agent.board import Board

SETTLED = 60.0
"""Seconds that what is being done to the process is waited for at most before the sidecar goes on anew."""


@dataclass(slots=True)
class Ending:
    """Asked for by signals and by a restart of the sidecar itself; the end for good wins.

    Once this life is ``over``, nothing changes how it ended.
    """

    board: Board
    goes_on: bool = False
    at_once: bool = False
    over: bool = False
    asked: anyio.Event = field(default_factory=anyio.Event)

    def stop(self) -> bool:
        """End for good; False where this life is over already, and the next one has to be told."""
        if self.over and self.goes_on:
            return False
        self.goes_on = False
        self.asked.set()
        self.board.wake()
        return True

    def go_on(self, *, at_once: bool = False) -> None:
        """End, and be executed anew; ``at_once`` also while something is being done to the process."""
        if not self.asked.is_set():
            self.goes_on, self.at_once = True, at_once
            self.asked.set()

    async def due(self) -> None:
        """Return when this life is to end."""
        await self.asked.wait()
        if self.goes_on and not self.at_once:
            with anyio.move_on_after(SETTLED):
                await self.board.until(lambda: self.board.view.busy is None or not self.goes_on)
        self.over = True
