"""What an act is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sidecar_demo.stage import Stage


@dataclass(frozen=True, slots=True)
class Act:
    """``play`` does things to the stage and checks what comes of them; it raises `Halted` to end the demo."""

    title: str
    story: str
    play: Callable[[Stage], None]
