"""Observe from outside when a file has been replaced and made durable.

The kernel reports it (inotify), so nothing is polled, and the sidecar does no more than usual. A file is
replaced when another is renamed to its name, and the replacement is durable when the folder was synced: the
folder is opened and closed for that, which is an event. The times of files are too coarse: they are rounded
to the kernel's tick, 4 ms on many machines.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_CLOSE_NOWRITE, _MOVED_TO, _IS_FOLDER = 0x10, 0x80, 0x40000000
_EVENT_HEADER = struct.Struct("iIII")


class ReplacementWatcher:
    """Watches ``files``, each in a folder of its own."""

    def __init__(self, files: Sequence[Path]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._names: dict[int, str] = {}
        for file in files:
            watch = libc.inotify_add_watch(self._descriptor, bytes(file.parent), _CLOSE_NOWRITE | _MOVED_TO)
            if watch < 0:
                raise OSError(ctypes.get_errno(), "cannot be watched", str(file.parent))
            self._names[watch] = file.name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def wait_for_all(self, timeout: float) -> float:
        """Wait until every file was replaced; when the last one was durable (`time.monotonic`)."""
        deadline = time.monotonic() + timeout
        renamed: set[int] = set()
        durable: set[int] = set()
        while True:
            select.select([self._descriptor], [], [], max(0.0, deadline - time.monotonic()))
            now = time.monotonic()
            for watch, mask, name in self._events():
                if mask & _MOVED_TO and name == self._names[watch]:
                    renamed.add(watch)
                elif mask & _IS_FOLDER and not name and watch in renamed:
                    durable.add(watch)
            if len(durable) == len(self._names):
                return now
            if now > deadline:
                raise TimeoutError(
                    f"{len(self._names) - len(durable)} files were not replaced in {timeout:g} s"
                )

    def _events(self) -> Iterator[tuple[int, int, str]]:
        try:
            data = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return
        while data:
            watch, mask, _, length = _EVENT_HEADER.unpack_from(data)
            name = data[_EVENT_HEADER.size : _EVENT_HEADER.size + length].rstrip(b"\0").decode()
            data = data[_EVENT_HEADER.size + length :]
            yield watch, mask, name
