"""The identity of a node: its NodeID, its role, and, for a federated server, its own URL."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from sidecar.domain.errors import BadConfiguration
from sidecar.domain.servers import NodeID, ServerList, ServerUrl


class Role(StrEnum):
    """What runs next to the sidecar."""

    FEDERATED = "federated"
    DATABASE = "database"

    @property
    def label(self) -> str:
        """The role in messages."""
        return "server" if self is Role.FEDERATED else "database node"

    @property
    def short_label(self) -> str:
        """The role in one word, for tables."""
        return "server" if self is Role.FEDERATED else "database"


@dataclass(frozen=True, slots=True)
class Identity:
    """A node of the network. ``url`` is None for a database node, which is never in the list."""

    node_id: NodeID
    role: Role
    url: ServerUrl | None

    @property
    def may_lead(self) -> bool:
        return self.role is Role.FEDERATED


def own_url(
    servers: ServerList,
    *,
    node_id: NodeID,
    port: int | None,
    local_names: Callable[[], Collection[str]],
) -> ServerUrl:
    """Return the URL in ``servers`` that is this server's own.

    It is the only listed URL with the file's ``Port``. If there is none, or several (as on a network where
    every server uses the same port), it is the only one whose host is the NodeID or one of ``local_names``
    (lower case). Raises `BadConfiguration` if neither rule finds exactly one.
    """
    by_port = [url for url in servers if url.port == port]
    if len(by_port) == 1:
        return by_port[0]
    names = {node_id.lower(), *local_names()}
    by_host = [url for url in by_port or servers if url.host in names]
    if len(by_host) == 1:
        return by_host[0]
    if not by_port and port is not None:
        raise BadConfiguration(
            f"{node_id}: none of FederatedServers has this server's Port {port}; add its own URL to the list "
            f"(such as http://localhost:{port}), or name it with --url (or SIDECAR_URL)"
        )
    found = f"{len(by_port)} of its URLs have Port {port} and {len(by_host)} a host of this machine"
    raise BadConfiguration(
        f"{node_id}: cannot determine which of FederatedServers is this server's own ({found}); "
        "name it with --url (or SIDECAR_URL)"
    )
