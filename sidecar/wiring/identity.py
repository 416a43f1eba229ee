"""Which node this is, and what there is of it before etcd is asked."""

from __future__ import annotations

import socket
from contextlib import suppress

import anyio

from sidecar.adapters.files.config_file import LocalFile
from sidecar.adapters.files.state_folder import LocalStateFolder
from sidecar.agent.watch_file import join_attempt_id, read_at_boot
from sidecar.config import Settings
from sidecar.config.table import Bootstrap
from sidecar.domain.documents.document import Document
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.identity import Identity, Role, own_url
from sidecar.domain.node.process import StartupTimeout
from sidecar.domain.node.view import View
from sidecar.domain.records.canonical import VersionedServers


async def initial_view(
    settings: Settings, file: LocalFile, state: LocalStateFolder, instance: str, *, failed_starts: int
) -> View:
    """What there is before etcd is asked: the file, and the last-known-good list.

    ``failed_starts``: the starts in vain that a life before this one has counted.
    """
    loaded = await state.load_last_known_good()
    known = VersionedServers(*loaded) if loaded else None
    document = await read_at_boot(file, state, known)
    return View(
        identity=identify(settings, document, known),
        sidecar_started_at=anyio.current_time(),
        bootstrap=settings.bootstrap is Bootstrap.AUTO,
        startup_timeout=StartupTimeout(settings.start_timeout),
        file=document,
        last_known_good=known,
        failed_starts=failed_starts,
        attempt=join_attempt_id(document, instance),
    )


def identify(settings: Settings, document: Document, known: VersionedServers | None) -> Identity:
    """Who this node is, by its settings and its file. Raises `BadConfiguration`."""
    node_id = settings.node_id or document.node_id
    if node_id is None:
        raise BadConfiguration(
            f"{settings.file} has no NodeID; add one, or name this node with --node-id (SIDECAR_NODE_ID)"
        )
    if settings.role is Role.DATABASE:
        return Identity(node_id, settings.role, None)
    # Also in the list that was last applied: somebody may have taken this very server out of the file.
    servers = document.servers.appended(known.servers.urls if known else ())
    url = settings.url or own_url(servers, node_id=node_id, port=document.port, local_names=_local_names)
    return Identity(node_id, settings.role, url)


def _local_names() -> set[str]:
    """What this machine is called, and the addresses that its own name leads to; lower case."""
    names = {"localhost", "127.0.0.1", "::1", socket.gethostname().lower()}
    with suppress(OSError):  # a name that leads nowhere has no addresses to add
        names |= {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)}
    return names
