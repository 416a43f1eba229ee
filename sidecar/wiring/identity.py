"""Which node this is, and what there is of it before etcd is asked."""

from __future__ import annotations

import socket
from contextlib import suppress

import anyio

from sidecar.adapters.files.config_file import LocalFile
from sidecar.adapters.files.state_folder import LocalState
from sidecar.agent.watch_file import attempt_of, read_at_boot
from sidecar.config import Settings
from sidecar.config.table import Bootstrap
from sidecar.domain.documents.document import Document
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.identity import Identity, Role, own_url
from sidecar.domain.node.process import Patience
from sidecar.domain.node.view import Known, View


async def look_around(
    settings: Settings, file: LocalFile, state: LocalState, instance: str, *, fruitless: int
) -> View:
    """What there is before etcd is asked: the file, and the last-known-good list.

    ``fruitless``: the starts in vain that a life before this one has counted.
    """
    remembered = await state.last_known_good()
    known = Known(*remembered) if remembered else None
    document = await read_at_boot(file, state, known)
    return View(
        identity=identify(settings, document, known),
        born=anyio.current_time(),
        bootstrap=settings.bootstrap is Bootstrap.AUTO,
        patience=Patience(settings.start_timeout),
        file=document,
        applied=known,
        fruitless=fruitless,
        attempt=attempt_of(document, instance),
    )


def identify(settings: Settings, document: Document, known: Known | None) -> Identity:
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
