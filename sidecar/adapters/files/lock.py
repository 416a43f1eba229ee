"""One sidecar per state folder: two would fight over one file and one process."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from sidecar.domain.errors import BadConfiguration, BadFile
from sidecar.domain.printing import os_reason
from sidecar.domain.records.codec import from_json, to_json
from sidecar.domain.records.formats import Formats, find_format_problem

# Written in one call, at one length: a concurrent reader gets all of one record or all of the other.
_RECORD_BYTES = 2048
_ELLIPSIS = "..."


@dataclass(frozen=True, slots=True)
class Holder:
    """The sidecar that holds a state folder: its ``pid`` and its ``execution_id``, new in each execution.

    ``refusals`` counts how often it refused to re-execute, ``last_refusal`` is why it did the last time.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    pid: int
    execution_id: str
    refusals: int = 0
    last_refusal: str = ""


@contextmanager
def locked(folder: Path, inherited: int | None = None) -> Iterator[int]:
    """Hold the state folder for as long as this lasts; yields the descriptor that holds it.

    The kernel lets the lock go with the process, however it ends, so it is never left behind. ``inherited``
    is the descriptor of the previous execution. Raises `BadConfiguration` if another sidecar holds it.
    """
    descriptor = _acquire(folder) if inherited is None else inherited
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_holder(handle: int, holder: Holder) -> None:
    """Write the holder into the lock."""
    data, refusal = _encode(holder), holder.last_refusal
    while len(data) > _RECORD_BYTES:
        refusal = refusal[: len(refusal) * 9 // 10]
        data = _encode(replace(holder, last_refusal=refusal + _ELLIPSIS))
    os.pwrite(handle, data.ljust(_RECORD_BYTES), 0)


def _encode(holder: Holder) -> bytes:
    return json.dumps(to_json(holder)).encode()


def read_holder(folder: Path) -> Holder | None:
    """The sidecar that holds the state folder now; None if none does.

    Raises `BadFile` if that sidecar is a newer version, whose lock this one cannot read.
    """
    try:
        handle = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _parse_holder(handle, folder / "lock")
    finally:
        os.close(handle)
    return None


def _parse_holder(handle: int, path: Path) -> Holder | None:
    try:
        document = json.loads(os.pread(handle, _RECORD_BYTES, 0))
        if unknown := find_format_problem(Holder, document):
            raise BadFile(str(path), (unknown,))
        return from_json(Holder, document)
    except ValueError:
        return None


def _acquire(folder: Path) -> int:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise BadConfiguration(
            f"{folder}: cannot be written ({os_reason(exc)}); name a writable folder with --state-dir"
        ) from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(handle)
        raise BadConfiguration(
            f"{folder}: another sidecar uses this folder. Stop that sidecar. "
            "If this one keeps another file, add --state-dir DIR"
        ) from exc
    return handle
