"""One sidecar a state folder: two would fight over one file and one process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidecar.domain.errors import BadConfiguration


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the state folder for as long as this lasts. Raises `BadConfiguration` where another one does.

    The kernel lets the lock go with the process, however it ends, so it is never left behind.
    """
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
    try:
        yield
    finally:
        os.close(handle)
