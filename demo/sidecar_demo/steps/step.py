"""What a step is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sidecar_demo.network import DemoNetwork


@dataclass(frozen=True, slots=True)
class Step:
    """``run`` does things to the network and checks what comes of them; raises `DemoAborted` to end it."""

    title: str
    description: str
    run: Callable[[DemoNetwork], None]
