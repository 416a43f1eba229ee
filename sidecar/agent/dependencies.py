"""Everything that the loops of a sidecar need from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sidecar.domain.node.health import ProbeSchedule
from sidecar.ports import ConfigFile, NewcomerProbe, Probe, Process, Restarter, StateFolder, Store


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The ports, the wall clock (seconds since the epoch), and how often to probe.

    ``restarter`` None: a restart of the process is a stop, then a start.
    """

    store: Store
    file: ConfigFile
    state: StateFolder
    process: Process
    probe: Probe
    probe_newcomer: NewcomerProbe
    wall: Callable[[], float]
    probe_schedule: ProbeSchedule = field(default_factory=ProbeSchedule)
    restarter: Restarter | None = None
