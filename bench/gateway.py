"""Speaking to etcd as plainly as can be: one connection, one call at a time."""

from __future__ import annotations

import http.client
import json
import re
import urllib.request
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

from sidecar.domain.records.keys import Range

_STARTED = re.compile(r'^grpc_server_started_total\{.*grpc_method="(\w+)".*\} (\S+)$', re.MULTILINE)


class EtcdGateway:
    """etcd's JSON gateway at ``url``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)

    def put(self, key: str, value: bytes) -> None:
        self._call("kv/put", {"key": _base64(key.encode()), "value": _base64(value)})

    def count(self, keys: Range) -> int:
        """How many keys there are in the range."""
        end = _base64((keys.end or "").encode())
        body = {"key": _base64(keys.start.encode()), "range_end": end, "count_only": True}
        return int(self._call("kv/range", body).get("count", 0))

    def call_counts(self) -> dict[str, int]:
        """The number of calls of each method of etcd's API since it started, by all clients."""
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return {method: int(float(count)) for method, count in _STARTED.findall(text)}

    def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._connection.request("POST", f"/v3/{path}", json.dumps(body))
        response = self._connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
        if response.status != 200:
            raise RuntimeError(f"etcd refused {path}: {answer}")
        return answer


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
