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

from sidecar.adapters.files.durable import overwrite, read_regular, remove_stale_temporaries, replace_file
from sidecar.adapters.files.file_watcher import file_events
from sidecar.adapters.files.os_errors import as_bad_file
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
class _KnownContent:
    """The bytes last read or written, and what they say; None where that is not known."""

    data: bytes
    document: Document | None


@dataclass(frozen=True, slots=True)
class _FileState:
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
        self._known_content: _KnownContent | None = None

    async def read(self) -> Document:
        """Read and validate. Raises `BadFile` with every problem found."""
        async with self._lock:
            try:
                document = await to_thread.run_sync(self._read, abandon_on_cancel=True)
            except BadFile:
                # So that `changes` yields when the previous content is there again.
                self._known_content = None
                raise
            self._known_content = _KnownContent(document.data, document)
        return document

    async def write(self, document: Document) -> None:
        """Put the list of ``document`` into the file, durably and atomically, keeping mode and owner.

        Other keys that were edited since the last `read` stay as they are. Raises `BadFile`.
        """
        async with self._lock:
            self._known_content = await to_thread.run_sync(self._write, document)

    async def propose_repair(self, servers: ServerList) -> tuple[str, Document] | None:
        """Return the text of a file that `read` refused, and the document it becomes with ``servers`` in it.

        None if more than its list is wrong. Nothing is written: pass the document to `write`.
        """
        async with self._lock:
            found = await to_thread.run_sync(self._repair, servers, abandon_on_cancel=True)
            if found is None:
                return None
            self._known_content, document = _KnownContent(found[0], None), found[1]
        return found[0].decode(), document

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yield whenever the file holds something else than what was last read or written here."""
        reported: tuple[_KnownContent | None, bytes | None] | None = None
        while True:
            paths = (await to_thread.run_sync(self._read_state, abandon_on_cancel=True)).paths
            async with aclosing(file_events(paths, self._read_state)) as states:
                async for state in states:
                    current = (self._known_content, state.data)
                    # A reported change that was not read was unreadable: report that it was undone.
                    unread = reported is not None and reported[0] is self._known_content
                    in_step = self._known_content is not None and self._known_content.data == state.data
                    if current != reported and (unread or not in_step):
                        reported = current
                        yield
                    if state.paths != paths:
                        break  # the path leads elsewhere now: watch that

    def _read(self) -> Document:
        if self._known_content is None:
            remove_stale_temporaries(self._target())
        data = self._read_bytes("read")
        if (
            self._known_content is not None
            and self._known_content.document is not None
            and self._known_content.data == data
        ):
            return self._known_content.document
        return self._parse(data)

    def _write(self, document: Document) -> _KnownContent | None:
        current = self._read_bytes("write")
        known = self._known_content
        if known is not None and known.data != current:
            known = None
        merged = self._keep_other_keys(document, known.document if known else self._parse(current))
        if merged.data != current:
            try:
                _replace_or_overwrite(self._target(), merged.data)
            except OSError as exc:
                raise as_bad_file(self._path, exc, "write") from exc
        # The caller does not know an edit that was kept: `changes` must yield for it.
        return _KnownContent(merged.data, merged) if known and merged is document else None

    @staticmethod
    def _keep_other_keys(document: Document, current: Document | None) -> Document:
        """Return ``document``, or ``current`` with its list if other keys were edited meanwhile.

        ``current`` is None for the file that `propose_repair` replaces: that one is no document.
        """
        if current is None:
            return document
        rebased = current.with_servers(document.servers)
        return document if rebased.text == document.text else rebased

    def _repair(self, servers: ServerList) -> tuple[bytes, Document] | None:
        try:
            data = self._read_bytes("read")
            repaired = replace_servers(data, servers)
            return None if repaired is None else (data, self._parse(repaired))
        except BadFile:
            return None

    def _read_state(self) -> _FileState:
        target = self._target()
        paths = {self._path.absolute().parent, target.parent}
        try:
            data = read_regular(target, MAX_BYTES + 1)
        except OSError:
            return _FileState(frozenset(paths), None)
        # Watch the file itself too: a change of a bind mount does not show in its folder.
        return _FileState(frozenset({*paths, target}), data)

    def _target(self) -> Path:
        return Path(os.path.realpath(self._path))

    def _read_bytes(self, doing: str) -> bytes:
        try:
            return read_regular(self._path, MAX_BYTES + 1)
        except OSError as exc:
            raise as_bad_file(self._path, exc, doing) from exc

    def _parse(self, data: bytes) -> Document:
        return Document.parse(data, source=str(self._path), role=self._role)


def _replace_or_overwrite(target: Path, data: bytes) -> None:
    try:
        replace_file(target, data, like=target.stat())
    except OSError as exc:
        if exc.errno not in _NOT_REPLACEABLE:
            raise
        overwrite(target, data)
