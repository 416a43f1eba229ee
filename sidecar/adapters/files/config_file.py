"""The configuration file next to the process, on a real disk (`sidecar.ports.ConfigFile`)."""

from __future__ import annotations

import errno
import os
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from sidecar.adapters.files.durable import overwrite, read_regular, remove_leftovers, replace_file
from sidecar.adapters.files.trouble import bad_file
from sidecar.adapters.files.watching import sightings
from sidecar.domain.documents.document import MAX_BYTES, Document, replace_servers
from sidecar.domain.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sidecar.domain.identity import Role
    from sidecar.domain.servers import ServerList

# What keeps a file from being renamed over, but not from being written: it is a mount point itself,
# its folder is read-only, or only root could give the new file the old one's owner.
_NOT_REPLACEABLE = {errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """The bytes last read or written, and what they say; None where that is not known."""

    data: bytes
    document: Document | None


@dataclass(frozen=True, slots=True)
class _Sight:
    """Where the path leads now: the paths to watch, and the bytes there; None if unreadable."""

    paths: frozenset[Path]
    data: bytes | None


class LocalFile:
    """The file at ``path``. A symbolic link is followed: its target is replaced, the link stays.

    All disk work is done in worker threads: a file on a network share that hangs must not keep the
    lease from being renewed.
    """

    def __init__(self, path: Path, role: Role) -> None:
        self._path = path
        self._role = role
        self._lock = anyio.Lock(fast_acquire=True)
        self._seen: _Seen | None = None

    async def read(self) -> Document:
        """Read and validate. Raises `BadFile` with every problem found."""
        async with self._lock:
            try:
                document = await to_thread.run_sync(self._read, abandon_on_cancel=True)
            except BadFile:
                # So that `changes` tells when what was there before the trouble is there again.
                self._seen = None
                raise
            self._seen = _Seen(document.data, document)
        return document

    async def write(self, document: Document) -> None:
        """Put the list of ``document`` into the file, durably and atomically, keeping mode and owner.

        Other keys that were edited since the last `read` stay as they are. Raises `BadFile`.
        """
        async with self._lock:
            self._seen = await to_thread.run_sync(self._write, document)

    async def repaired(self, servers: ServerList) -> tuple[str, Document] | None:
        """The text of a file that `read` refused, and the document it becomes with ``servers`` in it.

        None where more than its list is wrong. Nothing is written: hand the document to `write`.
        """
        async with self._lock:
            found = await to_thread.run_sync(self._repair, servers, abandon_on_cancel=True)
            if found is None:
                return None
            self._seen, document = _Seen(found[0], None), found[1]
        return found[0].decode(), document

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yield whenever the file holds something else than what was last read or written here."""
        told: tuple[_Seen | None, bytes | None] | None = None
        while True:
            paths = (await to_thread.run_sync(self._look, abandon_on_cancel=True)).paths
            async with aclosing(sightings(paths, self._look)) as sights:
                async for sight in sights:
                    news = (self._seen, sight.data)
                    # What was told and not read since was unreadable: then its undoing is news as well.
                    unread = told is not None and told[0] is self._seen
                    in_step = self._seen is not None and self._seen.data == sight.data
                    if news != told and (unread or not in_step):
                        told = news
                        yield
                    if sight.paths != paths:
                        break  # it leads elsewhere, or exists again: watch that

    def _read(self) -> Document:
        if self._seen is None:
            remove_leftovers(self._target())
        data = self._bytes("read")
        if self._seen is not None and self._seen.document is not None and self._seen.data == data:
            return self._seen.document
        return self._parse(data)

    def _write(self, document: Document) -> _Seen | None:
        current = self._bytes("write")
        known = self._seen is not None and self._seen.data == current
        base = self._seen.document if self._seen is not None and known else self._parse(current)
        if base is not None:  # None: the file that `repaired` was about, which is no document
            # Also of what was read here, the caller may not know yet: it came with the read after its own.
            mine = base.with_servers(document.servers)
            if mine.text != document.text:
                known, document = False, mine
        data = document.data
        if data != current:
            try:
                _put(self._target(), data)
            except OSError as exc:
                raise bad_file(self._path, exc, "write") from exc
        # The caller does not know the owner's edit that was kept: `changes` shall tell of it.
        return _Seen(data, document) if known else None

    def _repair(self, servers: ServerList) -> tuple[bytes, Document] | None:
        try:
            data = self._bytes("read")
            repaired = replace_servers(data, servers)
            return None if repaired is None else (data, self._parse(repaired))
        except BadFile:
            return None

    def _look(self) -> _Sight:
        target = self._target()
        paths = {self._path.absolute().parent, target.parent}
        try:
            data = read_regular(target, MAX_BYTES + 1)
        except OSError:
            return _Sight(frozenset(paths), None)
        # The file itself too: one that is a bind mount is not touched in the folder it is mounted in.
        return _Sight(frozenset({*paths, target}), data)

    def _target(self) -> Path:
        return Path(os.path.realpath(self._path))

    def _bytes(self, doing: str) -> bytes:
        try:
            return read_regular(self._path, MAX_BYTES + 1)
        except OSError as exc:
            raise bad_file(self._path, exc, doing) from exc

    def _parse(self, data: bytes) -> Document:
        return Document.parse(data, source=str(self._path), role=self._role)


def _put(target: Path, data: bytes) -> None:
    try:
        replace_file(target, data, like=target.stat())
    except OSError as exc:
        if exc.errno not in _NOT_REPLACEABLE:
            raise
        overwrite(target, data)
