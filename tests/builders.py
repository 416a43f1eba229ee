"""Short ways to make the domain's values, for tests."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from sidecar.domain.documents.document import Document
from sidecar.domain.identity import Identity, Role
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.network.transaction import Term
from sidecar.domain.node.view import View
from sidecar.domain.records.canonical import Canonical, Change, ChangeKind
from sidecar.domain.records.encoding import Record, encode
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.report import Phase, Report
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.store import Delete, Entry, Listing, Revision, Transaction
from sidecar.domain.servers import NodeID, ServerList, ServerUrl

KEYS = Keys("test")
TERM = Term(NodeID("fed-1"), KEYS.candidate(7), Revision(5))


def url(port: int) -> ServerUrl:
    return ServerUrl.parse(f"http://localhost:{port}")


def servers(*ports: int) -> ServerList:
    return ServerList(tuple(url(port) for port in ports))


THREE = servers(9000, 9001, 9002)


def server(number: int, port: int | None = None) -> Identity:
    return Identity(NodeID(f"fed-{number}"), Role.FEDERATED, url(port or 8999 + number))


DATABASE = Identity(NodeID("db-1"), Role.DATABASE, None)


def canonical(*ports: int, version: int = 1, removed: tuple[int, ...] = ()) -> Canonical:
    return Canonical(
        servers=servers(*ports),
        version=version,
        cause=(Change(ChangeKind.BOOTSTRAP, NodeID("fed-1")),),
        author=NodeID("fed-1"),
        term=5,
        at="2026-01-01T00:00:00Z",
        removed=tuple(url(port) for port in removed),
    )


def document(*ports: int, role: Role = Role.FEDERATED, node: str = "fed-1", port: int = 9000) -> Document:
    urls = ", ".join(f'"{item}"' for item in servers(*ports))
    text = f'{{"Mode": "federated", "Port": {port}, "NodeID": "{node}", "FederatedServers": [{urls}]}}'
    return Document.parse(text.encode(), source="federated.json", role=role)


def report(who: Identity, phase: Phase = Phase.RUNNING, *, loaded: int = 1, healthy: bool = True) -> Report:
    return Report(
        node_id=who.node_id,
        role=who.role,
        url=who.url,
        phase=phase,
        reason="",
        since=0.0,
        healthy=healthy,
        loaded_version=loaded,
        written_version=loaded,
        instance="a",
        host="here",
        pid=None,
        sidecar="0",
    )


def node_view(who: Identity, **changes: Any) -> View:
    """Return what ``who`` knows at its start, with ``changes`` as for `changed`."""
    return changed(View(who), **changes)


def changed(view: View, **changes: Any) -> View:
    """Return ``view`` with fields of its groups replaced: ``changed(view, canonical=…, healthy=True)``."""
    for name in ("options", "network", "file", "process", "health"):
        group = getattr(view, name)
        mine = {field.name: changes.pop(field.name) for field in fields(group) if field.name in changes}
        view = replace(view, **{name: replace(group, **mine)})
    return replace(view, **changes)


def join(who: Identity, *ports: int, attempt: str = "1") -> Request:
    return Request(
        kind=RequestKind.JOIN,
        subject=who.node_id,
        by=who.node_id,
        at=0.0,
        attempt=attempt,
        url=who.url,
        servers=servers(*ports).urls,
    )


def operator_request(kind: RequestKind, subject: str) -> Request:
    return Request(kind=kind, subject=subject, by="operator", at=0.0, attempt="")


def listing(records: dict[str, Record], revision: int = 10) -> Listing:
    """A listing that holds ``records``, created in the order in which they stand here."""
    entries = {
        key: Entry(key, encode(record), Revision(place), Revision(place))
        for place, (key, record) in enumerate(records.items(), start=1)
    }
    return Listing(Revision(revision), entries)


def network(records: dict[str, Record]) -> Network:
    return read_network(KEYS, listing(records))


def apply_transaction(network_: Network, transaction: Transaction) -> Network:
    """The network once ``transaction`` was applied; its compares are not looked at."""
    seen = network_.listing
    revision = Revision(seen.revision + 1)
    entries = dict(seen.entries)
    for operation in transaction.operations:
        match operation:
            case Delete(key=key, end=None):
                entries.pop(key, None)
            case Delete():
                pass
            case _:
                created = entries[operation.key].create_revision if operation.key in entries else revision
                entries[operation.key] = Entry(operation.key, operation.value, created, revision)
    kept = {key: entry for key, entry in entries.items() if "/history/" not in key}
    return read_network(KEYS, replace(seen, revision=revision, entries=kept))
