"""Records the file on the board, and the last-known-good list in the state folder."""

from __future__ import annotations

import hashlib
import logging
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.domain.documents.document import Document
from sidecar.domain.errors import BadFile
from sidecar.domain.node.view import FileView
from sidecar.domain.records.canonical import VersionedServers
from sidecar.domain.servers import ServerList
from sidecar.logs import event
from sidecar.ports import ConfigFile, StateFolder

log = logging.getLogger(__name__)

SAVE_DELAY = 1.0
"""Seconds before a new last-known-good list is saved, so that many versions in a row cost one write."""

REPAIR_RETRY_INTERVAL = 1.0
"""Seconds after which a file that could not be repaired is tried again."""


async def watch_file(*, file: ConfigFile, state: StateFolder, board: Board, instance: str) -> NoReturn:
    """Keep the board's document as the file has it, and repair a file whose list is broken."""
    async for _ in file.changes():
        while not await _reload_file(file, state, board, instance):  # noqa: ASYNC110 - no event says that a full disk has room again
            await anyio.sleep(REPAIR_RETRY_INTERVAL)
    raise AssertionError("the file's changes never end")


async def _reload_file(file: ConfigFile, state: StateFolder, board: Board, instance: str) -> bool:
    """Read the file; False if its list should have been repaired, and could not be."""
    try:
        document = await _read_or_repair(file, state, board)
    except BadFile as exc:
        if str(exc) != board.view.file.problem:
            event(log, logging.ERROR, "file unusable", reason=str(exc))
        board.set_file_problem(str(exc))
        servers = board.facts.file_target
        return servers is None or await file.propose_repair(servers) is None
    before, own = board.view.file, board.view.identity.node_id
    if before.problem:
        event(log, logging.INFO, "file usable again")
    if before.document is not None and before.document.node_id == own != document.node_id:
        what = "NodeID changed in the file; restart the sidecar to apply it"
        event(log, logging.WARNING, what, in_file=document.node_id, in_use=own)
    board.set_file(FileView(document, attempt=join_attempt_id(document, instance)))
    return True


async def read_at_boot(
    file: ConfigFile, state: StateFolder, last_known_good: VersionedServers | None
) -> Document:
    """Read the file. If only its list is broken, repair it with the last-known-good one. Raises `BadFile`."""
    try:
        return await file.read()
    except BadFile:
        document = await _repair(file, state, last_known_good.servers) if last_known_good else None
        if document is None:
            raise
        return document


async def _read_or_repair(file: ConfigFile, state: StateFolder, board: Board) -> Document:
    try:
        return await file.read()
    except BadFile:
        servers = board.facts.file_target
        document = await _repair(file, state, servers) if servers else None
        if document is None:
            raise  # more than the list is broken, or the list is not the network's: its owner must repair it
        board.increment("rejected_edits")
        board.increment("file_writes")
        return document


async def _repair(file: ConfigFile, state: StateFolder, servers: ServerList) -> Document | None:
    """Replace a list that an edit has broken with ``servers``; None if more than the list is wrong."""
    found = await file.propose_repair(servers)
    if found is None:
        return None
    broken, document = found
    kept = await state.save_rejected(broken, document.text)
    await file.write(document)
    event(log, logging.WARNING, "unauthorised edit rejected", kept=kept)
    return document


async def keep_last_known_good(*, state: StateFolder, board: Board) -> NoReturn:
    """Save each new last-known-good list, after a short delay, for a start without etcd."""
    kept = board.view.last_known_good
    while True:
        await board.wait_until_changed(lambda: board.view.last_known_good, from_value=kept)
        await anyio.sleep(SAVE_DELAY)
        kept = board.view.last_known_good
        await save_last_known_good(state, board)


async def save_last_known_good(state: StateFolder, board: Board) -> None:
    """Save the board's last-known-good list in the state folder, or clear it there if there is none."""
    last_known_good = board.view.last_known_good
    if last_known_good is None:
        await state.clear_last_known_good()
    else:
        await state.save_last_known_good(last_known_good.version, last_known_good.servers)


def join_attempt_id(document: Document, instance: str) -> str:
    """Return an identifier of the attempt to join that ``instance`` makes with this content of the file."""
    text = "\n".join((instance, *(url.normal for url in document.servers)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
