"""Which of etcd's endpoints is used: the same one while it answers, the next one when it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from sidecar.domain.errors import BadConfiguration

DEFAULT_PORT = 2379


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One etcd server; ``host`` without the brackets of an IPv6 address."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Return the endpoint (port 2379 where none is named), or raise `BadConfiguration`."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as exc:
            raise BadConfiguration(f"etcd endpoint {text!r} is not a URL ({exc})") from exc
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadConfiguration(f"etcd endpoint {text!r} must look like http://host:2379 or https://…")
        if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise BadConfiguration(f"etcd endpoint {text!r} must be scheme, host and port, nothing more")
        return cls(parts.scheme, parts.hostname, DEFAULT_PORT if port is None else port)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def __str__(self) -> str:
        return self.url


class Rotation:
    """Whose turn it is. Not shared between threads: the event loop's alone.

    Calls and watch streams stick to one endpoint, so that the lease's keep-alive doubles as the heartbeat of
    the streams beside it: to TCP, an etcd that is frozen looks like one that is silent. When the
    endpoint fails, its streams end and start again on the next.
    """

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self._endpoints = tuple(dict.fromkeys(endpoints))
        self._current = 0
        self._streams: dict[Callable[[], None], Endpoint] = {}

    def order(self) -> tuple[Endpoint, ...]:
        """Every endpoint once, the one to try first in front."""
        return self._endpoints[self._current :] + self._endpoints[: self._current]

    def mark_failed(self, endpoint: Endpoint, *, answered: bool) -> None:
        """Give the turn to the next endpoint; ``answered``: it did say something, an error."""
        only_one = len(self._endpoints) == 1
        if endpoint == self._endpoints[self._current]:
            self._current = (self._current + 1) % len(self._endpoints)
        if answered and only_one:
            return  # it is alive, and there is nowhere else to go
        for end, where in list(self._streams.items()):
            if where == endpoint:
                end()

    @contextmanager
    def call_on_failure(self, endpoint: Endpoint, end: Callable[[], None]) -> Iterator[None]:
        """Call ``end`` when ``endpoint`` fails while this lasts."""
        self._streams[end] = endpoint
        try:
            yield
        finally:
            del self._streams[end]
