"""Status notifications to the service manager by systemd's protocol, see sd_notify(3)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from dataclasses import dataclass

# What the manager gave to this process is not for the processes that it launches.
_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class SystemdNotifier:
    """``address`` is the manager's datagram socket; ``""`` if there is none, and nothing is sent.

    ``watchdog`` is after how many seconds of silence the manager considers this process hung; None if it
    does not watch. ``inherited_variables`` is the environment for this process's next execution.
    """

    address: str = ""
    watchdog: float | None = None
    inherited_variables: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> SystemdNotifier:
        """The manager that launched this process; its variables are taken out of ``environ``."""
        given = {name: value for name in _VARIABLES if (value := environ.pop(name, None)) is not None}
        usec, watched = given.get("WATCHDOG_USEC", ""), given.get("WATCHDOG_PID")
        mine = watched in (None, str(os.getpid())) and usec.isdecimal() and int(usec) > 0
        address = given.get("NOTIFY_SOCKET", "")
        return cls(address, int(usec) / _MICROSECONDS if mine else None, tuple(given.items()))

    def notify(self, **state: object) -> None:
        """Send ``state``: ``READY=1``, ``STATUS=…``. What cannot be sent is lost; nothing waits for it."""
        if not self.address:
            return
        lines = (f"{key}={str(value).replace(chr(10), ' ')}" for key, value in state.items())
        abstract = self.address.startswith("@")
        address = "\0" + self.address[1:] if abstract else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            try:
                sock.sendto("\n".join(lines).encode(), address)
            except OSError:
                return

    def notify_reloading(self) -> None:
        """Announce a re-execution; another ``READY=1`` follows."""
        self.notify(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000)
