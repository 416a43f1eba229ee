"""Server URLs and lists of them: which are valid, and which are equal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NewType
from urllib.parse import urlsplit

NodeID = NewType("NodeID", str)

# A NodeID becomes part of an etcd key and of file names, so only characters safe in both are allowed.
NODE_ID_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
_NODE_ID = re.compile(NODE_ID_PATTERN)
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Lone surrogates (JSON's "\\ud800") have no UTF-8 form, so they cannot be written into a file.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")


class InvalidUrl(ValueError):
    """Not a valid URL of a federated server; the message says why."""


def is_node_id(text: str) -> bool:
    """Whether ``text`` can be a NodeID."""
    return _NODE_ID.fullmatch(text) is not None


def parse_node_id(text: str) -> NodeID:
    """Return ``text`` as a NodeID: 1 to 63 letters, digits, ``.``, ``_``, ``-``. Raises ValueError."""
    if not is_node_id(text):
        msg = f"{text!r} is not a NodeID: 1 to 63 letters, digits, '.', '_' or '-', not '-' at an end"
        raise ValueError(msg)
    return NodeID(text)


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A server's URL: ``text`` as it was written, compared only by its normal form.

    The normal form lower-cases scheme and host, drops the scheme's default port and the trailing slash
    (RFC 3986, section 6.2.2 and 6.2.3).
    """

    text: str = field(compare=False)
    normal: str
    host: str = field(compare=False)
    port: int = field(compare=False)

    @classmethod
    @lru_cache(maxsize=1024)  # the same few texts are in every document, and are parsed twice in each
    def parse(cls, text: str) -> ServerUrl:
        """Return the URL, or raise `InvalidUrl` with the reason."""
        if _FORBIDDEN.search(text):
            raise InvalidUrl("contains a space, a backslash or a control character")
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError as exc:
            raise InvalidUrl(f"is not a URL ({exc})") from exc
        scheme = parts.scheme.lower()
        if scheme not in _DEFAULT_PORTS:
            raise InvalidUrl("does not start with http:// or https://")
        if not host:
            raise InvalidUrl("names no host")
        if parts.username is not None or parts.password is not None:
            raise InvalidUrl("contains a user name or password, which every node could read")
        if parts.query or parts.fragment or "?" in text or "#" in text:
            raise InvalidUrl("has a query or a fragment; a server is named by scheme, host, port and path")
        if port == 0:
            raise InvalidUrl("has port 0; ports go from 1 to 65535")
        shown = f"[{host}]" if ":" in host else host
        default = _DEFAULT_PORTS[scheme]
        at = "" if port in (None, default) else f":{port}"
        return cls(text, f"{scheme}://{shown}{at}{parts.path.rstrip('/')}", host, port or default)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class ServerList:
    """A network's servers, in order, each once.

    Two lists are equal if their normal forms are equal, in the same order; the spelling of the URLs makes no
    difference. Raises ValueError if a URL appears twice.
    """

    urls: tuple[ServerUrl, ...]
    _url_set: frozenset[ServerUrl] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_url_set", frozenset(self.urls))
        if len(self._url_set) != len(self.urls):
            raise ValueError(f"a server is named twice in {[url.text for url in self.urls]}")

    @classmethod
    def parse(cls, texts: Iterable[str]) -> ServerList:
        """Return the list, or raise ValueError (`InvalidUrl` for a single bad URL)."""
        return cls(tuple(ServerUrl.parse(text) for text in texts))

    def __iter__(self) -> Iterator[ServerUrl]:
        return iter(self.urls)

    def __len__(self) -> int:
        return len(self.urls)

    def __contains__(self, url: object) -> bool:
        return url in self._url_set

    def __str__(self) -> str:
        return ", ".join(url.text for url in self.urls)

    def texts(self) -> list[str]:
        """The URLs as they are written into a file."""
        return [url.text for url in self.urls]

    def appended(self, urls: Iterable[ServerUrl]) -> ServerList:
        """This list followed by those of ``urls`` that it does not hold yet."""
        return ServerList(tuple(dict.fromkeys((*self.urls, *urls))))

    def without(self, urls: Iterable[ServerUrl]) -> ServerList:
        """This list without ``urls``."""
        dropped = set(urls)
        return ServerList(tuple(url for url in self.urls if url not in dropped))
