"""Which probe to use: the one that ``--health`` spells, or the best that needs no setting."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from urllib.parse import urlsplit

from sidecar.adapters.probes.command import ExecProbe
from sidecar.adapters.probes.explained import ExplainedProbe
from sidecar.adapters.probes.http import HttpProbe
from sidecar.adapters.probes.tcp import TcpProbe
from sidecar.adapters.probes.uptime import UptimeProbe
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.node.process import ProcessState
from sidecar.domain.servers import ServerUrl
from sidecar.ports import Probe


def choose_probe(
    text: str | None,
    *,
    own_url: ServerUrl | None,
    state: Callable[[], ProcessState],
    platform: Probe | None = None,
    timeout: float = 2.0,
) -> Probe:
    """The probe that ``text`` spells; else a TCP connect to the ``own_url`` URL; else what the ``platform``
    says that runs the process; else being alive. The platform is also asked why the first two fail.
    """
    probe: Probe
    if text is not None:
        probe = parse_probe(text, timeout=timeout)
    elif own_url is not None:
        probe = TcpProbe(own_url.host, own_url.port, timeout)
    else:
        return platform or UptimeProbe(state)
    return ExplainedProbe(probe, platform) if platform else probe


def parse_probe(text: str, *, timeout: float = 2.0) -> Probe:
    """The probe of ``URL``, ``tcp://HOST:PORT`` or ``exec:CMD``. Raises `BadConfiguration`."""
    try:
        return _parse(text, timeout)
    except ValueError as exc:
        raise BadConfiguration(
            f"--health {text!r}: {exc}; write an http:// or https:// URL, tcp://HOST:PORT, or exec:COMMAND"
        ) from exc


def _parse(text: str, timeout: float) -> Probe:
    scheme = text.partition(":")[0].lower()
    if scheme == "exec":
        return ExecProbe(_parse_command(text), timeout)
    if scheme == "tcp":
        return TcpProbe(*_parse_host_and_port(text), timeout)
    if scheme in {"http", "https"}:
        return HttpProbe(_parse_url(text), timeout)
    raise ValueError("is none of the three kinds")


def _parse_command(text: str) -> tuple[str, ...]:
    argv = shlex.split(text[len("exec:") :])
    if not argv or not argv[0]:
        raise ValueError("names no command")
    return tuple(argv)


def _parse_host_and_port(text: str) -> tuple[str, int]:
    parts = urlsplit(text)
    if not parts.hostname:
        raise ValueError("names no host")
    if not parts.port:
        raise ValueError("names no port from 1 to 65535")
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("has more in it than a host and a port")
    return parts.hostname, parts.port


def _parse_url(text: str) -> str:
    if any(character <= " " or character > "~" for character in text):
        raise ValueError("has a space or a character in it that a URL has to spell with %")
    parts = urlsplit(text)
    if not parts.hostname:
        raise ValueError("names no host")
    if parts.username is not None:
        raise ValueError("carries a user name, which a probe does not send")
    if parts.port == 0:
        raise ValueError("has port 0; ports go from 1 to 65535")
    return text.partition("#")[0]
