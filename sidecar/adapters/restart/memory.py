"""``process.json``: what the sidecar's next life needs to take over a process of this one."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from sidecar.domain.codec import from_json, to_json
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Remembered:
    """A process that was launched: its number, what tells owners of it apart, what it runs on.

    ``started`` is in clock ticks since ``boot``. ``argv`` is no secret: /proc shows it to everyone
    as well.
    """

    pid: int
    started: int
    boot: str
    session: int
    argv: tuple[str, ...]
    loaded: ServerList


class Memory:
    """The file in the state folder. Losing it costs an adoption, so nothing here raises."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "process.json"

    def read(self) -> Remembered | None:
        """What the last life wrote; None where there is nothing to make sense of."""
        try:
            return from_json(Remembered, json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as exc:
            event(
                log,
                logging.WARNING,
                "process.json is ignored",
                file=str(self._path),
                error=str(exc),
            )
            return None

    def write(self, process: Remembered) -> None:
        """Keep ``process``, whole or not at all.

        Without fsync, on purpose: it has to outlive the sidecar, which the page cache does; a crash
        of the machine ends the process as well. So it takes a tenth of a millisecond, and every
        start can afford it.
        """
        temporary = self._path.with_suffix(".json.new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_text(json.dumps(to_json(process), indent=2) + "\n", encoding="utf-8")
            temporary.replace(self._path)
        except OSError as exc:
            event(
                log,
                logging.WARNING,
                "the process is not remembered; a sidecar that is killed cannot take it over again",
                file=str(self._path),
                error=str(exc),
            )

    def forget(self) -> None:
        """There is no process any more."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as exc:
            event(log, logging.WARNING, "process.json stays", file=str(self._path), error=str(exc))
