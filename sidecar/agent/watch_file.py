"""Carries the file onto the board, and the list that was applied into the state folder."""

from __future__ import annotations

import hashlib
import logging
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.domain.documents.document import Document
from sidecar.domain.errors import BadFile
from sidecar.domain.node.facts import desired_file_servers
from sidecar.domain.records.canonical import VersionedServers
from sidecar.domain.servers import ServerList
from sidecar.logs import event
from sidecar.ports import ConfigFile, StateFolder

log = logging.getLogger(__name__)

SAVE_DELAY = 1.0
"""Seconds that the list has to stand before it is kept: a storm of versions costs one write, not ten."""

REPAIR_RETRY_INTERVAL = 1.0
"""Seconds before a list that could not be put back is tried again."""


async def watch_file(*, file: ConfigFile, state: StateFolder, board: Board, instance: str) -> NoReturn:
    """Keep the board's document as it stands on disk, and its list a list."""
    async for _ in file.changes():
        while not await _reload_file(file, state, board, instance):  # noqa: ASYNC110 - no event tells that a full disk has room again
            await anyio.sleep(REPAIR_RETRY_INTERVAL)
    raise AssertionError("the file's changes never end")


async def _reload_file(file: ConfigFile, state: StateFolder, board: Board, instance: str) -> bool:
    """Look at the file; False where its list should have been put back, and could not be."""
    try:
        document = await _read_or_repair(file, state, board)
    except BadFile as exc:
        if str(exc) != board.view.file_problem:
            event(log, logging.ERROR, "the file cannot be used", error=str(exc))
        board.update(file_problem=str(exc))
        servers = desired_file_servers(board.view)
        return servers is None or await file.propose_repair(servers) is None
    if board.view.file_problem:
        event(log, logging.INFO, "the file can be used again")
    before, me = board.view.file, board.view.identity.node_id
    if before is not None and before.node_id == me != document.node_id:
        what = "the NodeID in the file was edited; it counts when this sidecar is started again"
        event(log, logging.WARNING, what, NodeID=document.node_id, now=me)
    board.update(file=document, file_problem="", attempt=join_attempt_id(document, instance))
    return True


async def read_at_boot(file: ConfigFile, state: StateFolder, known: VersionedServers | None) -> Document:
    """The file; one whose list alone is broken is mended with the last-known-good one. Raises `BadFile`."""
    try:
        return await file.read()
    except BadFile:
        document = await _repair(file, state, known.servers) if known else None
        if document is None:
            raise
        return document


async def _read_or_repair(file: ConfigFile, state: StateFolder, board: Board) -> Document:
    try:
        return await file.read()
    except BadFile:
        servers = desired_file_servers(board.view)
        document = await _repair(file, state, servers) if servers else None
        if document is None:
            raise  # more than the list is broken, or the list is none of the network's: its owner mends it
        board.increment("rejected_edits")
        board.increment("file_writes")
        return document


async def _repair(file: ConfigFile, state: StateFolder, servers: ServerList) -> Document | None:
    """Put ``servers`` where an edit left no list at all; None where more than that is wrong."""
    found = await file.propose_repair(servers)
    if found is None:
        return None
    broken, document = found
    kept = await state.save_rejected(broken, document.text)
    await file.write(document)
    event(log, logging.WARNING, "an unauthorised edit was rejected", kept=kept)
    return document


async def keep_last_known_good(*, state: StateFolder, board: Board) -> NoReturn:
    """Keep the list that was applied, soon after, for a boot without etcd."""
    kept = board.view.last_known_good
    while True:
        await board.wait_until_changed(lambda: board.view.last_known_good, from_value=kept)
        await anyio.sleep(SAVE_DELAY)
        kept = board.view.last_known_good
        await save_last_known_good(state, board)


async def save_last_known_good(state: StateFolder, board: Board) -> None:
    """Have the state folder say what the board says was applied last."""
    known = board.view.last_known_good
    if known is None:
        await state.clear_last_known_good()
    else:
        await state.save_last_known_good(known.version, known.servers)


def join_attempt_id(document: Document, instance: str) -> str:
    """Name the try to join that this life of the sidecar makes with what the file says now."""
    said = "\n".join((instance, *(url.normal for url in document.servers)))
    return hashlib.sha256(said.encode()).hexdigest()[:16]
