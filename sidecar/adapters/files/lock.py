"""One sidecar a state folder: two would fight over one file and one process."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sidecar.domain.errors import BadConfiguration
from sidecar.domain.records.codec import from_json, to_json

# Written at one stroke, at one length: whoever reads meanwhile reads all of one or all of the other.
_ROOM = 2048
_CUT = "..."


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a state folder: the sidecar's ``pid``, and a name of this ``life``, new in each execution.

    ``refused`` counts how often it was asked to go on anew and would not, ``refusal`` is why, the last time.
    """

    pid: int
    life: str
    refused: int = 0
    refusal: str = ""


@contextmanager
def locked(folder: Path, held: int | None = None) -> Iterator[int]:
    """Hold the state folder for as long as this lasts; yields the descriptor that holds it.

    The kernel lets the lock go with the process, however it ends, so it is never left behind. ``held`` is
    the descriptor of a former life that goes on in this one. Raises `BadConfiguration` where another sidecar
    holds it.
    """
    handle = _taken(folder) if held is None else held
    try:
        yield handle
    finally:
        os.close(handle)


def tell(handle: int, holder: Holder) -> None:
    """Write into the lock who holds it."""
    data, refusal = _written(holder), holder.refusal
    while len(data) > _ROOM:
        refusal = refusal[: len(refusal) * 9 // 10]
        data = _written(replace(holder, refusal=refusal + _CUT))
    os.pwrite(handle, data.ljust(_ROOM), 0)


def _written(holder: Holder) -> bytes:
    return json.dumps(to_json(holder)).encode()


def holder_of(folder: Path) -> Holder | None:
    """The sidecar that holds the state folder now; None where none does."""
    try:
        handle = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _told(handle)
    finally:
        os.close(handle)
    return None


def _told(handle: int) -> Holder | None:
    try:
        return from_json(Holder, json.loads(os.pread(handle, _ROOM, 0)))
    except ValueError:
        return None


def _taken(folder: Path) -> int:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise BadConfiguration(
            f"{folder}: cannot be written ({exc.strerror}); name a folder to remember in with --state-dir"
        ) from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(handle)
        raise BadConfiguration(
            f"{folder}: another sidecar uses this folder; stop it, or, if it keeps another file, "
            "name a folder of its own for this one with --state-dir"
        ) from exc
    return handle
