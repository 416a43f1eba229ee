"""The values that pass between the sidecar and its store: entries, listings, changes, transactions.

Revisions are etcd's: one counter for the whole store, raised by every transaction that writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NewType

Revision = NewType("Revision", int)
LeaseID = NewType("LeaseID", int)

NO_LEASE = LeaseID(0)
NO_REVISION = Revision(0)
"""Both revisions of a key that does not exist."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key that exists, with its create revision and its mod revision."""

    key: str
    value: bytes
    create_revision: Revision
    mod_revision: Revision
    lease: LeaseID = NO_LEASE


@dataclass(frozen=True, slots=True)
class Listing:
    """All entries of the ranges that were read, as of one ``revision``."""

    revision: Revision
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def applying(self, batch: Batch) -> Listing:
        """This listing after ``batch``."""
        entries = dict(self.entries)
        for key, entry in batch.changes.items():
            if entry is None:
                entries.pop(key, None)
            else:
                entries[key] = entry
        return Listing(batch.revision, entries)


@dataclass(frozen=True, slots=True)
class Batch:
    """The changes up to ``revision``: the last state of each key, None for a deleted key."""

    revision: Revision
    changes: Mapping[str, Entry | None]


class Target(Enum):
    """The revision of a key that a transaction compares; a key that does not exist has 0 for both."""

    CREATED = "CREATE"
    MODIFIED = "MOD"


@dataclass(frozen=True, slots=True)
class Compare:
    """Holds when the ``target`` of ``key`` equals ``revision``."""

    key: str
    target: Target
    revision: Revision

    @classmethod
    def absent(cls, key: str) -> Compare:
        """Holds while ``key`` does not exist: a put beside it creates the key, or nothing."""
        return cls(key, Target.CREATED, NO_REVISION)

    @classmethod
    def unchanged(cls, key: str, entry: Entry | None) -> Compare:
        """Holds while ``key`` is as it was read: ``entry``, or None where it did not exist."""
        return cls(key, Target.MODIFIED, entry.mod_revision if entry else NO_REVISION)


@dataclass(frozen=True, slots=True)
class Put:
    """Write ``value`` under ``key``, attached to ``lease`` (`NO_LEASE`: to none)."""

    key: str
    value: bytes
    lease: LeaseID = NO_LEASE


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete ``key``, or every key up to, not including, ``end``."""

    key: str
    end: str | None = None


Operation = Put | Delete


@dataclass(frozen=True, slots=True)
class Transaction:
    """All ``operations`` happen, in one revision, if every compare holds; none of them otherwise."""

    compares: tuple[Compare, ...]
    operations: tuple[Operation, ...]
