"""The type of a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sidecar_demo.network import DemoNetwork


@dataclass(frozen=True, slots=True)
class Step:
    """``run`` acts on the network and checks the effects; it raises `DemoAborted` to end the demo."""

    title: str
    description: str
    run: Callable[[DemoNetwork], None]
