"""What the sidecar's next execution needs to know of the process, as small files in the state folder."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from sidecar.domain.records.codec import from_json, to_json
from sidecar.domain.records.formats import Formats
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LaunchRecord:
    """A process that was launched: its number, what tells owners of it apart, what it runs on.

    ``start_ticks`` is in clock ticks since ``boot_id``; so is ``session_start_ticks``, when its
    ``session_id`` did. ``argv`` is no secret: /proc shows it to everyone as well.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    pid: int
    start_ticks: int
    boot_id: str
    session_id: int
    argv: tuple[str, ...]
    loaded: ServerList
    session_start_ticks: int


@dataclass(frozen=True, slots=True)
class LoadedRecord:
    """A process that something else launched: its driver's name for the ``incarnation``, and its list."""

    FORMATS: ClassVar[Formats] = Formats(1)

    incarnation: str
    loaded: ServerList


class StateFile(Generic[T]):
    """One value in one file. Losing it costs an adoption or a restart, so nothing here raises."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        self._path = path
        self._kind = kind

    def read(self) -> T | None:
        """What the previous execution wrote; None if there is nothing usable."""
        try:
            return from_json(self._kind, json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as exc:
            event(log, logging.WARNING, "process record ignored", file=str(self._path), reason=str(exc))
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
            what = "process not saved; the next execution of the sidecar cannot recognise it"
            event(log, logging.WARNING, what, file=str(self._path), reason=str(exc))

    def clear(self) -> None:
        """Forget the process: there is none any more."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as exc:
            event(log, logging.WARNING, "process record not removed", file=str(self._path), reason=str(exc))


def launch_record_file(folder: Path) -> StateFile[LaunchRecord]:
    """``child-process.json``: the process that the sidecar launched."""
    return StateFile(folder / "child-process.json", LaunchRecord)


def loaded_record_file(folder: Path) -> StateFile[LoadedRecord]:
    """``external-process.json``: what a process loaded that something else launched."""
    return StateFile(folder / "external-process.json", LoadedRecord)
