"""Which node this is."""

from __future__ import annotations

import socket
from contextlib import suppress

from sidecar import __version__
from sidecar.agent.reporting.instance import Instance
from sidecar.config import NodeSettings, Settings
from sidecar.domain.documents.document import Document
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.identity import Identity, Role, own_url
from sidecar.domain.records.canonical import VersionedServers


def identify(
    settings: NodeSettings, document: Document, last_known_good: VersionedServers | None
) -> Identity:
    """Which node this is, by its settings and its file. Raises `BadConfiguration`."""
    node_id = settings.node_id or document.node_id
    if node_id is None:
        raise BadConfiguration(
            f"{settings.file} has no NodeID; add one, or name this node with --node-id (SIDECAR_NODE_ID)"
        )
    if settings.role is Role.DATABASE:
        return Identity(node_id, settings.role, None)
    # Also in the last-known-good list: a person may have removed this very server from the file.
    servers = document.servers.appended(last_known_good.servers.urls if last_known_good else ())
    url = settings.url or own_url(servers, node_id=node_id, port=document.port, local_names=_local_names)
    return Identity(node_id, settings.role, url)


def build_instance(settings: Settings, identity: Identity, instance_id: str) -> Instance:
    """What the network knows this sidecar by."""
    file = str(settings.node.file.absolute()).encode(errors="replace").decode()  # a name may be any bytes
    token = settings.membership.join_token
    return Instance(identity, instance_id, socket.gethostname(), __version__, file, token)


def _local_names() -> set[str]:
    """The names of this machine, and the addresses of its own name, in lower case."""
    names = {"localhost", "127.0.0.1", "::1", socket.gethostname().lower()}
    with suppress(OSError):  # a name that leads nowhere has no addresses to add
        names |= {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)}
    return names
