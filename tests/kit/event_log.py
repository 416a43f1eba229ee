"""The event log of the process next to a sidecar; `tests.kit.app` writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the process. ``at`` is monotonic, the same clock for every process."""

    kind: str
    pid: int
    at: float
    details: dict[str, Any]

    @property
    def servers(self) -> list[str]:
        """The list that it loaded when it started."""
        servers: list[str] = self.details["servers"]
        return servers

    @property
    def signal(self) -> str:
        """The name of the signal that it got."""
        return str(self.details["signal"])


def read_events(folder: Path, *kinds: str) -> list[Event]:
    """What happened to the process in ``folder``, oldest first; only ``kinds``, if any are named."""
    try:
        lines = (folder / "events").read_text().splitlines()
    except FileNotFoundError:
        return []
    events = (json.loads(line) for line in lines)
    return [
        Event(event.pop("event"), event.pop("pid"), event.pop("at"), event)
        for event in events
        if not kinds or event["event"] in kinds
    ]
