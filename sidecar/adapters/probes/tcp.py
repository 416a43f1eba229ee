"""The probe ``tcp:``: the process is healthy if it accepts a TCP connection."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass

import anyio

from sidecar.domain.node.health import Health

# (family, address) as socket.socket and connect take them.
Target = tuple[int, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class TcpProbe:
    """Connects and hangs up. ``localhost`` is both of its addresses; one that answers suffices."""

    host: str
    port: int
    timeout: float = 2.0

    async def check(self) -> Health:
        what = f"tcp://{format_host(self.host)}:{self.port}"
        failure = "does not answer"
        try:
            with anyio.fail_after(self.timeout):
                for target in await _targets(self.host, self.port):
                    failure = await _connect(target)
                    if not failure:
                        return Health(True, f"{what} accepts connections")
        except TimeoutError:
            return Health(False, f"{what} does not answer within {self.timeout:g} s")
        except (OSError, ValueError) as exc:
            return Health(False, f"{what}: {describe_os_error(exc)}")
        return Health(False, f"{what}: {failure}")


def candidate_hosts(host: str) -> tuple[str, ...]:
    """The addresses to try for ``host``."""
    # Asked by name, a container's /etc/hosts often knows but one of the two.
    return ("127.0.0.1", "::1") if host.lower() == "localhost" else (host,)


def format_host(host: str) -> str:
    """``host`` as a URL spells it."""
    return f"[{host}]" if ":" in host else host


def describe_os_error(exc: BaseException) -> str:
    """What went wrong. A loop's own words hold no reason, or addresses that a person did not spell."""
    if isinstance(exc, ConnectionError) and exc.errno:
        return os.strerror(exc.errno)
    return (exc.strerror if isinstance(exc, OSError) else None) or str(exc)


async def _targets(host: str, port: int) -> list[Target]:
    """Addresses are used as they are; only a name is worth a thread for the resolver."""
    literal = [_literal(each, port) for each in candidate_hosts(host)]
    found = [target for target in literal if target is not None]
    if found:
        return found
    answers = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, (str(address[0]), port)) for family, _, _, _, address in answers]


def _literal(host: str, port: int) -> Target | None:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return family, (host, port)
    return None


async def _connect(target: Target) -> str:
    """Connect and hang up; what went wrong, or nothing."""
    family, address = target
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        # On the loopback the kernel answers at once: no loop is involved.
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS:
            await anyio.wait_writable(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return os.strerror(code) if code else ""
