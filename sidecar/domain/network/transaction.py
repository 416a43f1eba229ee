"""The leader's next transaction: what it writes, and the compares that fence it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sidecar.domain.records.encoding import Record, encode
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.store import (
    NO_REVISION,
    Compare,
    Delete,
    Listing,
    Operation,
    Put,
    Revision,
    Target,
    Transaction,
)
from sidecar.domain.servers import NodeID

# etcd refuses a transaction of more than 128 operations (--max-txn-ops), and a join takes up to four.
MAX_OPERATIONS = 96


@dataclass(frozen=True, slots=True)
class Term:
    """One leadership: the leader, and the key whose create revision proves it."""

    node_id: NodeID
    key: str
    create_revision: Revision


NO_TERM = Term(NodeID(""), "", NO_REVISION)
"""The term of a reader that leads nothing."""


@dataclass(slots=True)
class TransactionBuilder:
    """Collects a leader's writes.

    The transaction is fenced twice: with the create revision of the leader's own candidate key (a leader that
    was frozen writes nothing), and with the mod revision of the canonical list, the policy and every key it
    touches (nothing that the decision depends on has changed).
    """

    keys: Keys
    listing: Listing
    reasons: list[str] = field(default_factory=list)
    _operations: dict[str, Operation] = field(default_factory=dict)
    _unfenced: list[Operation] = field(default_factory=list)

    def put(self, key: str, record: Record) -> None:
        """Write ``record``, unless the key already holds it."""
        entry = self.listing.entries.get(key)
        value = encode(record)
        if entry is None or entry.value != value:
            self._operations[key] = Put(key, value)
        else:
            self._operations.pop(key, None)

    def delete(self, key: str) -> None:
        """Delete ``key`` if it is there."""
        if key in self.listing.entries:
            self._operations[key] = Delete(key)
        else:
            self._operations.pop(key, None)

    def write(self, writes: Mapping[str, Record | None]) -> None:
        """Put each record under its key; delete the key where it is None."""
        for key, record in writes.items():
            if record is None:
                self.delete(key)
            else:
                self.put(key, record)

    def put_unfenced(self, key: str, record: Record) -> None:
        """Write a key that no decision reads; the listing does not cover it, so nothing is compared."""
        self._unfenced.append(Put(key, encode(record)))

    def delete_unfenced(self, start: str, end: str) -> None:
        """Delete such keys, from ``start`` up to, not including, ``end``."""
        self._unfenced.append(Delete(start, end))

    @property
    def full(self) -> bool:
        """Whether the rest belongs to the next transaction, right after this one."""
        return len(self._operations) > MAX_OPERATIONS

    def __bool__(self) -> bool:
        return bool(self._operations)

    def __contains__(self, key: str) -> bool:
        """Whether that record is being put or deleted."""
        return key in self._operations

    def build(self, term: Term) -> Transaction:
        """Everything collected, fenced by ``term``."""
        seen = self.listing.entries
        compares = [Compare(term.key, Target.CREATED, term.create_revision)]
        read = sorted({self.keys.canonical, self.keys.policy, *self._operations})
        compares += [Compare.unchanged(key, seen.get(key)) for key in read]
        return Transaction(tuple(compares), (*self._operations.values(), *self._unfenced))
