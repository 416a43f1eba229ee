"""A client of etcd's JSON gateway of our own, so that no test sees etcd through the product's eyes."""

from __future__ import annotations

import json
import urllib.request
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Stored:
    """One key as it stands in etcd."""

    key: str
    text: str
    created: int
    modified: int
    lease: int

    @property
    def document(self) -> Any:
        return json.loads(self.text)


class Gateway:
    """What `etcdctl` would do, below the prefix ``root``."""

    def __init__(self, url: str, root: str) -> None:
        self._url = url
        self.root = root

    def get(self, name: str) -> Stored | None:
        """The key ``name``; None where there is none."""
        return next(iter(self._range({"key": _b64(self.root + name)})), None)

    def all(self, prefix: str = "") -> dict[str, Stored]:
        """Every key that begins with ``prefix``, by its name below the root."""
        start = self.root + prefix
        end = start[:-1] + chr(ord(start[-1]) + 1)
        found = self._range({"key": _b64(start), "range_end": _b64(end)})
        return {stored.key.removeprefix(self.root): stored for stored in found}

    def put(self, name: str, value: str | dict[str, Any]) -> int:
        """Write a key past the product; the revision."""
        text = value if isinstance(value, str) else json.dumps(value)
        answer = self._call("kv/put", {"key": _b64(self.root + name), "value": _b64(text)})
        return int(answer["header"]["revision"])

    def delete(self, name: str) -> None:
        self._call("kv/deleterange", {"key": _b64(self.root + name)})

    def revision(self) -> int:
        """The revision of the whole store."""
        return int(self._call("kv/range", {"key": _b64("/")})["header"]["revision"])

    def compact(self) -> None:
        """Forget all history."""
        self._call("kv/compaction", {"revision": str(self.revision()), "physical": True})

    def revoke(self, lease: int) -> None:
        """End a lease, with all of its keys."""
        self._call("lease/revoke", {"ID": str(lease)})

    def at(self, name: str, revision: int) -> Stored | None:
        """The key ``name`` as it stood at ``revision``."""
        return next(iter(self._range({"key": _b64(self.root + name), "revision": str(revision)})), None)

    def _range(self, request: dict[str, Any]) -> list[Stored]:
        return [
            Stored(
                b64decode(kv["key"]).decode(),
                b64decode(kv.get("value", "")).decode(errors="replace"),
                int(kv["create_revision"]),
                int(kv["mod_revision"]),
                int(kv.get("lease", 0)),
            )
            for kv in self._call("kv/range", request).get("kvs", [])
        ]

    def _call(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        call = urllib.request.Request(f"{self._url}/v3/{path}", json.dumps(request).encode())
        with urllib.request.urlopen(call, timeout=10) as answer:
            document: dict[str, Any] = json.load(answer)
            return document


def _b64(text: str) -> str:
    return b64encode(text.encode()).decode()
