"""Everything that a sidecar's loops know of the world outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sidecar.domain.node.health import Rhythm
from sidecar.ports import AskNewcomer, ConfigFile, Probe, Process, StateFolder, Store


@dataclass(frozen=True, slots=True)
class World:
    """The ports, the wall clock (seconds since the epoch), and how often to probe."""

    store: Store
    file: ConfigFile
    state: StateFolder
    process: Process
    probe: Probe
    ask_newcomer: AskNewcomer
    wall: Callable[[], float]
    rhythm: Rhythm = field(default_factory=Rhythm)
