"""An etcd in memory: revisions, history, leases and compaction. No I/O; the time is an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sidecar.domain.errors import LeaseLost, StoreRefused
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import (
    NO_LEASE,
    Batch,
    Compare,
    Delete,
    Entry,
    LeaseID,
    Listing,
    Operation,
    Put,
    Revision,
    Target,
    Transaction,
)

Changes = dict[str, Entry | None]

# etcd's defaults: --max-txn-ops and --max-request-bytes.
MAX_OPERATIONS = 128
MAX_REQUEST_BYTES = 1_572_864


@dataclass(slots=True)
class _Lease:
    ttl: float
    ends: float
    keys: set[str] = field(default_factory=set)


class Compacted(Exception):
    """The requested history was compacted."""


class MemoryCluster:
    """The state of etcd. Every method first ends the leases that have expired at ``now()``."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._entries: dict[str, Entry] = {}
        self._history: list[tuple[Revision, Changes]] = []
        self._revision = Revision(1)  # an empty etcd is at revision 1, too
        self._compacted = Revision(0)
        self._leases: dict[LeaseID, _Lease] = {}
        self._last_lease = 0
        self._observers: dict[Callable[[], None], tuple[Range, ...]] = {}

    @property
    def revision(self) -> Revision:
        """The revision of the last change."""
        self.tick()
        return self._revision

    @property
    def next_expiry(self) -> float:
        """When the next lease ends unless it is kept alive."""
        return min((lease.ends for lease in self._leases.values()), default=float("inf"))

    def tick(self) -> None:
        """End the leases that have expired."""
        now = self._now()
        for lease_id in [each for each, lease in self._leases.items() if lease.ends <= now]:
            self._end(lease_id)

    def list(self, ranges: Iterable[Range]) -> Listing:
        """All entries in ``ranges``."""
        self.tick()
        wanted = tuple(ranges)
        return Listing(
            self._revision,
            {
                key: entry
                for key, entry in sorted(self._entries.items())
                if any(key in each for each in wanted)
            },
        )

    def commit(self, transaction: Transaction) -> Revision | None:
        """Apply the transaction if its compares hold. Raises `StoreRefused`, `LeaseLost` as etcd does."""
        self.tick()
        _require_valid(transaction)
        if not all(self._holds(compare) for compare in transaction.compares):
            return None
        for operation in transaction.operations:
            if isinstance(operation, Put) and operation.lease not in (NO_LEASE, *self._leases):
                raise LeaseLost(f"commit: lease {operation.lease:x} has expired or was revoked")
        revision = Revision(self._revision + 1)
        changes: Changes = {}
        for operation in transaction.operations:
            changes.update(self._apply(operation, revision))
        self._record(revision, changes)
        return self._revision

    def compact(self, revision: Revision) -> None:
        """Forget the history before ``revision``."""
        self.tick()
        self._compacted = revision
        self._history = [each for each in self._history if each[0] >= revision]

    def changes_after(self, after: Revision, ranges: tuple[Range, ...]) -> Iterator[Batch]:
        """A batch for each later revision and range with a change in it. Raises `Compacted`.

        One for each range, as etcd does for a transaction over several.
        """
        self.tick()
        if after + 1 < self._compacted:
            raise Compacted(f"revisions below {self._compacted} were compacted")
        # The history has no gaps, so the position of the first requested revision is known.
        first = max(0, after + 1 - self._history[0][0]) if self._history else 0
        for revision, changes in self._history[first:]:
            for each in ranges:
                found = {key: entry for key, entry in changes.items() if key in each}
                if found:
                    yield Batch(revision, found)

    @contextmanager
    def observed(self, observer: Callable[[], None], ranges: tuple[Range, ...]) -> Iterator[None]:
        """Call ``observer`` at each change in ``ranges`` while this lasts."""
        self._observers[observer] = ranges
        try:
            yield
        finally:
            del self._observers[observer]

    def grant(self, ttl: float) -> LeaseID:
        """A new lease."""
        self._last_lease += 1
        lease_id = LeaseID(self._last_lease)
        self._leases[lease_id] = _Lease(ttl, self._now() + ttl)
        return lease_id

    def keep_alive(self, lease_id: LeaseID) -> float:
        """Renew the lease; its time to live. Raises `LeaseLost`."""
        self.tick()
        lease = self._leases.get(lease_id)
        if lease is None:
            raise LeaseLost(f"lease {lease_id:x} has expired or was revoked")
        lease.ends = self._now() + lease.ttl
        return lease.ttl

    def keep_all_alive(self) -> None:
        """Renew every lease, as etcd does when it starts or gets another leader."""
        for lease in self._leases.values():
            lease.ends = self._now() + lease.ttl

    def revoke(self, lease_id: LeaseID) -> None:
        """End the lease, if there is one."""
        self.tick()
        if lease_id in self._leases:
            self._end(lease_id)

    def _end(self, lease_id: LeaseID) -> None:
        keys = self._leases.pop(lease_id).keys
        for key in keys:
            del self._entries[key]
        self._record(Revision(self._revision + 1), dict.fromkeys(sorted(keys)))

    def _holds(self, compare: Compare) -> bool:
        entry = self._entries.get(compare.key)
        if entry is None:
            return compare.revision == 0
        found = entry.create_revision if compare.target is Target.CREATED else entry.mod_revision
        return found == compare.revision

    def _apply(self, operation: Operation, revision: Revision) -> Changes:
        if isinstance(operation, Delete):
            deleted_range = Range(operation.key, operation.end)
            keys = [operation.key] if operation.end is None else list(self._entries)
            deleted = [key for key in keys if key in deleted_range and key in self._entries]
            for key in deleted:
                self._detach(self._entries.pop(key))
            return dict.fromkeys(deleted)
        before = self._entries.get(operation.key)
        if before is not None:
            self._detach(before)
        created = before.create_revision if before else revision
        entry = Entry(operation.key, operation.value, created, revision, operation.lease)
        self._entries[operation.key] = entry
        if operation.lease != NO_LEASE:
            self._leases[operation.lease].keys.add(operation.key)
        return {operation.key: entry}

    def _detach(self, entry: Entry) -> None:
        if entry.lease in self._leases:
            self._leases[entry.lease].keys.discard(entry.key)

    def _record(self, revision: Revision, changes: Changes) -> None:
        if not changes:
            return  # deleting nothing makes no revision
        self._revision = revision
        self._history.append((revision, changes))
        for observer, ranges in list(self._observers.items()):
            if any(key in each for key in changes for each in ranges):
                observer()


def _require_valid(transaction: Transaction) -> None:
    """Refuse what etcd refuses."""
    puts = [each for each in transaction.operations if isinstance(each, Put)]
    deletes = [each for each in transaction.operations if isinstance(each, Delete)]
    if max(len(transaction.compares), len(transaction.operations)) > MAX_OPERATIONS:
        raise StoreRefused("commit: etcd refused it: too many operations in txn request")
    keys = [put.key for put in puts]
    clash = any(put.key in Range(each.key, each.end) for put in puts for each in deletes)
    if clash or len(set(keys)) != len(keys):
        raise StoreRefused("commit: etcd refused it: duplicate key given in txn request")
    if sum(len(put.value) + len(put.key) for put in puts) > MAX_REQUEST_BYTES:
        raise StoreRefused("commit: etcd refused it: request is too large")
