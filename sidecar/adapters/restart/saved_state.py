"""What the sidecar's next life needs to know of the process, as small files in the state folder."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from sidecar.domain.records.codec import from_json, to_json
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Launched:
    """A process that was launched: its number, what tells owners of it apart, what it runs on.

    ``started`` is in clock ticks since ``boot``; so is ``began``, when its ``session`` did. ``argv`` is no
    secret: /proc shows it to everyone as well.
    """

    pid: int
    started: int
    boot: str
    session: int
    argv: tuple[str, ...]
    loaded: ServerList
    began: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A process that something else launched: a driver's name for its ``life``, and what that runs on."""

    life: str
    loaded: ServerList


class Memory(Generic[T]):
    """One value in one file. Losing it costs an adoption or a restart, so nothing here raises."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        self._path = path
        self._kind = kind

    def read(self) -> T | None:
        """What the last life wrote; None where there is nothing to make sense of."""
        try:
            return from_json(self._kind, json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as exc:
            self._complain(f"{self._path.name} is ignored", exc)
            return None

    def write(self, value: T) -> None:
        """Keep ``value``, whole or not at all.

        Without fsync, on purpose: it has to outlive the sidecar, which the page cache does; a crash
        of the machine ends the process as well. So it takes a tenth of a millisecond, and every
        start can afford it.
        """
        temporary = self._path.with_suffix(".json.new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_text(json.dumps(to_json(value), indent=2) + "\n", encoding="utf-8")
            temporary.replace(self._path)
        except OSError as exc:
            self._complain("the process is not remembered; the sidecar's next life cannot know it again", exc)

    def forget(self) -> None:
        """There is no process any more."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as exc:
            self._complain(f"{self._path.name} stays", exc)

    def _complain(self, what: str, exc: Exception) -> None:
        event(log, logging.WARNING, what, file=str(self._path), error=str(exc))


def launched_memory(folder: Path) -> Memory[Launched]:
    """``process.json``: the process that the sidecar launched."""
    return Memory(folder / "process.json", Launched)


def seen_memory(folder: Path) -> Memory[Seen]:
    """``loaded.json``: what a process loaded that something else launched."""
    return Memory(folder / "loaded.json", Seen)
