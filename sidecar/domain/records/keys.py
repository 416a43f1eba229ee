"""The only builder of etcd keys. Everything of a network lives under ``/federation/<network>/``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from sidecar.domain.servers import NodeID

NETWORK_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_NETWORK = re.compile(NETWORK_PATTERN)


@dataclass(frozen=True, slots=True)
class Range:
    """The keys from ``start`` up to, not including, ``end``; ``end=None`` is the one key ``start``."""

    start: str
    end: str | None = None

    @classmethod
    def prefix(cls, prefix: str) -> Range:
        """Every key that begins with ``prefix`` (ASCII, not empty)."""
        return cls(prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1))

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        return key == self.start if self.end is None else self.start <= key < self.end


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one network. Raises ValueError for a name that is not safe in a key."""

    network: str

    def __post_init__(self) -> None:
        if not _NETWORK.fullmatch(self.network):
            raise ValueError(f"network {self.network!r} must be 1 to 63 letters, digits, '.', '_' or '-'")

    @property
    def root(self) -> str:
        return f"/federation/{self.network}/"

    # Keys that every node reads.

    @property
    def canonical(self) -> str:
        return f"{self.root}shared/canonical"

    @property
    def policy(self) -> str:
        return f"{self.root}shared/policy"

    @property
    def rollout_block(self) -> str:
        return f"{self.root}shared/rollout-block"

    def grant(self, node: NodeID) -> str:
        return f"{self.root}node/{node}/grant"

    def verdict(self, node: NodeID) -> str:
        return f"{self.root}node/{node}/verdict"

    def pause(self, node: NodeID) -> str:
        return f"{self.root}node/{node}/pause"

    def skip(self, node: NodeID) -> str:
        return f"{self.root}node/{node}/skip"

    def conflict_range(self, node: NodeID) -> Range:
        """Other nodes that claim the NodeID or URL of ``node``; each entry is under its own lease."""
        return Range.prefix(f"{self.root}node/{node}/conflict/")

    def conflict(self, node: NodeID, instance: str) -> str:
        return f"{self.conflict_range(node).start}{instance}"

    # Keys that nodes and operators write.

    def report(self, node: NodeID) -> str:
        return f"{self.root}report/{node}"

    def candidate(self, lease: int) -> str:
        return f"{self.root}leader/{lease:016x}"

    def request(self, request_id: str) -> str:
        return f"{self.root}request/{request_id}"

    def token(self, token_id: str) -> str:
        return f"{self.root}token/{token_id}"

    # Keys that only the leader writes and reads.

    def member(self, node: NodeID) -> str:
        return f"{self.root}member/{node}"

    def tombstone(self, name: str) -> str:
        """The tombstone of a NodeID, or of a URL whose NodeID is unknown."""
        return f"{self.root}tombstone/{quote(name, safe='')}"

    @property
    def last_healthy(self) -> str:
        """The last canonical document that every node was healthy on."""
        return f"{self.root}rollout/last-healthy"

    def quarantine(self, version: int) -> str:
        return f"{self.root}quarantine/{version:010d}"

    def history(self, version: int) -> str:
        return f"{self.root}history/{version:010d}"

    # Ranges.

    @property
    def history_range(self) -> Range:
        """The history, by version."""
        return Range.prefix(f"{self.root}history/")

    def ranges_of_node(self, node: NodeID) -> tuple[Range, ...]:
        """The ranges that one node watches; they do not grow with the network."""
        return (Range.prefix(f"{self.root}shared/"), Range.prefix(f"{self.root}node/{node}/"))

    def ranges_of_leader(self) -> tuple[Range, ...]:
        """The ranges that the leader decides from: all but the candidates and the history."""
        folders = (
            *("shared", "node", "member", "tombstone", "report", "request"),
            *("rollout", "quarantine", "token"),
        )
        return tuple(Range.prefix(f"{self.root}{folder}/") for folder in folders)

    def candidate_range(self) -> Range:
        return Range.prefix(f"{self.root}leader/")

    def parts_of(self, key: str) -> tuple[str, ...]:
        """The parts of ``key`` below the network: ``("node", "fed-1", "grant")``."""
        return tuple(key.removeprefix(self.root).split("/"))
