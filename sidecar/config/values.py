"""How the text of a setting becomes a value. Parsers raise ValueError with what would be right.

A parser takes what a flag or variable (text) or a TOML document (also numbers, arrays) holds.
"""

from __future__ import annotations

import ipaddress
import math
import re
import shlex
import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from sidecar.domain.records.keys import Keys
from sidecar.domain.servers import InvalidUrl, NodeID, ServerUrl, parse_node_id

E = TypeVar("E", bound=StrEnum)
MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen or connect; an IPv6 ``host`` is held without its brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def text(raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip() or "\0" in raw:
        raise ValueError(f"{raw!r} is not text")
    return raw


def secret(raw: object) -> str:
    """Like `text`, but the message does not repeat what was given."""
    if not isinstance(raw, str) or not raw:
        raise ValueError("must not be empty")
    return raw


def word(raw: object) -> str:
    """Return a text without spaces: a name of something."""
    found = text(raw).strip()
    if len(found.split()) != 1:
        raise ValueError(f"{raw!r} is not one word")
    return found


def pattern(raw: object) -> str:
    """Return a regular expression that can be compiled, and does not find everything."""
    found = text(raw)
    try:
        compiled = re.compile(found)
    except re.error as exc:
        raise ValueError(f"{raw!r} is not a regular expression: {exc}") from exc
    if compiled.search(""):
        raise ValueError(f"{raw!r} matches every process; write a part of its command line")
    return found


def signum(raw: object) -> signal.Signals:
    """Parse ``TERM``, ``SIGTERM`` or ``15``."""
    name = str(raw).strip().upper() if isinstance(raw, str | int) else ""
    number = int(name) if name.isascii() and name.isdigit() else None
    for known in signal.Signals:
        if number == known.value or name.removeprefix("SIG") == known.name.removeprefix("SIG"):
            return known
    raise ValueError(f"{raw!r} is not a signal, such as TERM or HUP")


def endpoint(raw: object) -> str:
    """Return a URL; plain http only on this machine, as a token goes with it."""
    given = text(raw).strip()
    try:
        parts = urlsplit(given)
        host, right = parts.hostname, parts.port != 0 and not parts.fragment
    except ValueError:
        host, right = None, False
    if not host or not right or parts.scheme not in {"http", "https"} or len(given.split()) != 1:
        raise ValueError(f"{raw!r} is not a URL, such as http://127.0.0.1:9100/hot-reload")
    if parts.username is not None:  # never repeat a password
        raise ValueError("contains a user name or password; put the token into --endpoint-token-file")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError(f"{raw!r} would send the token in the clear to another machine; write https://")
    return given


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def docker_host(raw: object) -> str:
    given = word(raw)
    if not given.startswith(("unix:///", "tcp://", "http://", "https://")):
        raise ValueError(f"{raw!r} is not an engine, such as unix:///var/run/docker.sock or tcp://HOST:PORT")
    return given


def workload(raw: object) -> tuple[str, str]:
    """Parse ``statefulset/fed``; the kind is returned as the API spells it: ``statefulsets``."""
    kind, slash, name = word(raw).partition("/")
    kinds = {"statefulset", "deployment", "daemonset"}
    singular = kind.lower().removesuffix("s")
    if not (slash and name and "/" not in name and singular in kinds):
        raise ValueError(f"{raw!r} is not {', '.join(sorted(kinds))} and a name, such as statefulset/fed")
    return f"{singular}s", name


def path(raw: object) -> Path:
    return Path(text(raw))


def seconds(least: float, most: float = 86_400.0) -> Callable[[object], float]:
    """Return a parser of durations from ``least`` to ``most`` seconds."""
    wanted = f"a number of seconds from {least:g} to {most:g}, such as 10"

    def parse(raw: object) -> float:
        # bool is an int to Python, and `lease_ttl = true` is surely a mistake.
        if isinstance(raw, bool) or not isinstance(raw, str | int | float):
            raise ValueError(f"{raw!r} is not {wanted}")
        try:
            value = float(raw)
        except (ValueError, OverflowError):
            value = math.nan
        if not least <= value <= most:  # NaN compares false
            raise ValueError(f"{raw!r} is not {wanted}")
        return value

    return parse


def count(most: int) -> Callable[[object], int]:
    """Return a parser of whole numbers from 1 to ``most``."""

    def parse(raw: object) -> int:
        number = int(raw) if isinstance(raw, str) and raw.isascii() and raw.isdigit() else raw
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            raise ValueError(f"{raw!r} is not a whole number from 1 to {most}")
        return number

    return parse


def choice(options: type[E]) -> Callable[[object], E]:
    """Return a parser of the members of ``options``, by their values."""

    def parse(raw: object) -> E:
        for option in options:
            if isinstance(raw, str) and raw.lower() == option.value:
                return option
        raise ValueError(f"{raw!r} is not one of {', '.join(options)}")

    return parse


def node_id(raw: object) -> NodeID:
    return parse_node_id(text(raw))


def network(raw: object) -> str:
    return Keys(text(raw)).network


def server_url(raw: object) -> ServerUrl:
    try:
        return ServerUrl.parse(text(raw))
    except InvalidUrl as exc:
        if "@" in text(raw):  # never repeat a password
            raise ValueError(str(exc)) from exc
        raise ValueError(f"{raw!r} {exc}; it looks like http://localhost:9000") from exc


def etcd_endpoints(raw: object) -> tuple[str, ...]:
    """Return etcd's base URLs, from an array or from text with commas."""
    parts = raw if isinstance(raw, list) else text(raw).split(",")
    found = tuple(_endpoint(part) for part in parts)
    if not found:
        raise ValueError("names no endpoint; such as http://127.0.0.1:2379")
    return tuple(dict.fromkeys(found))


def _endpoint(raw: object) -> str:
    example = "an endpoint looks like http://127.0.0.1:2379"
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError(f"{raw!r} is empty; {example}")
    try:
        return ServerUrl.parse(raw.strip()).normal
    except InvalidUrl as exc:
        if "@" in raw:  # never repeat a password
            raise ValueError("contains a user name or password; set --user and --password-file") from exc
        raise ValueError(f"{raw.strip()!r} {exc}; {example}") from exc


def address(raw: object) -> Address:
    """Parse ``HOST:PORT`` and ``[IPv6]:PORT``; port 0 lets the system choose."""
    wanted = f"{raw!r} is not HOST:PORT, such as 127.0.0.1:9180 or [::1]:9180"
    host, colon, port = text(raw).rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(wanted)
    if not (host and colon and port.isascii() and port.isdigit() and int(port) <= MAX_PORT):
        raise ValueError(wanted)
    return Address(host, int(port))


def address_or_off(raw: object) -> Address | None:
    try:
        return None if raw == "off" else address(raw)
    except ValueError as exc:
        raise ValueError(f"{exc}, nor off") from exc


def health(raw: object) -> str:
    """Return the text of a probe of a known kind; the probe itself knows the rest."""
    given = text(raw)
    for kind in ("http://", "https://", "tcp://", "exec:"):
        if given.startswith(kind) and given.removeprefix(kind).strip():
            return given
    raise ValueError(f"{raw!r} is not http://HOST:PORT/PATH, tcp://HOST:PORT or exec:COMMAND")


def command(raw: object) -> tuple[str, ...]:
    """Parse a TOML array as it is, and text as a shell would split it (nothing is expanded)."""
    if isinstance(raw, str):
        return _words(raw)
    words = tuple(raw) if isinstance(raw, list | tuple) else ()
    if not words or not all(isinstance(word, str) and "\0" not in word for word in words):
        raise ValueError(f'{raw!r} is not a command; such as ["java", "-jar", "server.jar"]')
    if not words[0]:
        raise ValueError("the first word, the program's name, is empty")
    return words


def _words(raw: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(raw))
    except ValueError as exc:
        raise ValueError(f"{raw!r} cannot be split into words: {str(exc).lower()}") from exc
    if not words or not words[0]:
        raise ValueError(f"{raw!r} names no command")
    return words
