"""What the sidecar keeps on disk between two executions (`sidecar.ports.StateFolder`)."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from sidecar.adapters.files.durable import read_regular, remove_stale_temporaries, replace_file
from sidecar.adapters.files.os_errors import as_bad_file
from sidecar.domain.documents.diff import diff
from sidecar.domain.documents.document import MAX_BYTES
from sidecar.domain.records.formats import FORMAT_KEY, Formats
from sidecar.domain.servers import ServerList
from sidecar.logs import event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

MAX_REJECTED = 50
LAST_KNOWN_GOOD_FORMATS = Formats(1)
_TIMESTAMP_FORMAT = "%Y-%m-%dT%H-%M-%S.%fZ"  # sorts by time, and has no colon that a file system might refuse


def _now() -> datetime:
    return datetime.now(UTC)


class LocalStateFolder:
    """The state folder at ``path``, made (0700) when it is first written to.

    ``name`` is that of the configuration file; ``now`` returns the time that rejected edits are named by.
    """

    def __init__(self, path: Path, name: str, *, now: Callable[[], datetime] = _now) -> None:
        self._folder = path
        self._last_known_good_path = path / "last-known-good.json"
        self._rejected_folder = path / "rejected"
        self._name = name
        self._now = now
        self._lock = anyio.Lock()

    async def load_last_known_good(self) -> tuple[int, ServerList] | None:
        """The version and list last applied; None if there are none or the checksum fails."""
        return await to_thread.run_sync(self._read_last_known_good, abandon_on_cancel=True)

    async def save_last_known_good(self, version: int, servers: ServerList) -> None:
        """Keep this list as the last-known-good one, durably.

        Never raises: losing it costs no more than a start without etcd, and that is logged.
        """
        async with self._lock:
            await to_thread.run_sync(self._write_last_known_good, version, servers)

    async def clear_last_known_good(self) -> None:
        """Have no last-known-good list any more. Never raises; that it failed is logged as an error."""
        async with self._lock:
            await to_thread.run_sync(self._remove_last_known_good)

    async def save_rejected(self, rejected: str, replaced_by: str) -> str:
        """Keep a text that was not obeyed, with its unified diff; return the path of the diff.

        The newest 50 are kept; one that equals the newest is not kept again. Raises `BadFile`.
        """
        async with self._lock:
            return await to_thread.run_sync(self._save_rejected, rejected, replaced_by)

    def _read_last_known_good(self) -> tuple[int, ServerList] | None:
        try:
            return _decode(read_regular(self._last_known_good_path, MAX_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
            what = "last-known-good list ignored"
            event(log, logging.WARNING, what, file=str(self._last_known_good_path), reason=str(exc))
            return None

    def _write_last_known_good(self, version: int, servers: ServerList) -> None:
        texts = servers.texts()
        document = {
            FORMAT_KEY: LAST_KNOWN_GOOD_FORMATS.current,
            "version": version,
            "FederatedServers": texts,
            "sha256": _checksum(version, texts),
        }
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            remove_stale_temporaries(self._last_known_good_path)
            replace_file(self._last_known_good_path, f"{json.dumps(document, indent=2)}\n".encode())
        except OSError as exc:
            what = "cannot save the last-known-good list"
            event(log, logging.WARNING, what, file=str(self._last_known_good_path), reason=str(exc))

    def _remove_last_known_good(self) -> None:
        try:
            self._last_known_good_path.unlink(missing_ok=True)
        except OSError as exc:
            what = "cannot remove the last-known-good list; it would be used at a boot without etcd"
            event(log, logging.ERROR, what, file=str(self._last_known_good_path), reason=str(exc))

    def _save_rejected(self, rejected: str, replaced_by: str) -> str:
        text, difference = rejected.encode(), diff(rejected, replaced_by, name=self._name).encode()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._rejected_folder.mkdir(mode=0o700, exist_ok=True)
            newest = self._saved_diffs()[-1:]
            # A tool that insists would push out what a person typed.
            if (
                newest
                and _read_if_present(newest[0]) == difference
                and _read_if_present(_edit_of(newest[0])) == text
            ):
                return str(newest[0])
            edit_path = self._rejected_folder / f"{self._now().strftime(_TIMESTAMP_FORMAT)}-{self._name}"
            replace_file(edit_path, text)
            diff_path = edit_path.with_name(f"{edit_path.name}.diff")
            replace_file(diff_path, difference)
            for old in self._saved_diffs()[:-MAX_REJECTED]:
                _edit_of(old).unlink(missing_ok=True)
                old.unlink(missing_ok=True)
        except OSError as exc:
            raise as_bad_file(self._rejected_folder, exc, "write") from exc
        return str(diff_path)

    def _saved_diffs(self) -> list[Path]:
        return sorted(self._rejected_folder.glob("*.diff"))


def _edit_of(diff_path: Path) -> Path:
    return diff_path.with_suffix("")


def _read_if_present(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _decode(data: bytes) -> tuple[int, ServerList]:
    document = json.loads(data)
    version, texts = document["version"], document["FederatedServers"]
    if document["sha256"] != _checksum(version, texts):
        raise ValueError("the checksum does not match")
    return int(version), ServerList.parse(texts)


def _checksum(version: object, texts: object) -> str:
    return hashlib.sha256(json.dumps([version, texts]).encode()).hexdigest()
