"""One process held by its pidfd, which never comes to mean another, as its number may."""

from __future__ import annotations

import errno
import os
import select
import signal
from contextlib import suppress

import anyio

from sidecar.domain.errors import BadConfiguration

# No such process; or a thread's number, as newer and as older kernels say it.
_NO_PROCESS = frozenset({errno.ESRCH, errno.ENOENT, errno.EINVAL})


class Pidfd:
    """A process that can be waited for, even if it is not a child. `close` it in the end."""

    __slots__ = ("_fd", "pid")

    def __init__(self, pid: int, fd: int) -> None:
        self.pid = pid
        self._fd = fd

    @classmethod
    def open(cls, pid: int) -> Pidfd | None:
        """Hold process ``pid``, dead or alive; None when there is none, not even a zombie.

        A thread of another process may have the number: that is no process either. Raises `OSError` where
        the machine has no descriptor left.
        """
        try:
            return cls(pid, os.pidfd_open(pid))
        except OSError as exc:
            if exc.errno in _NO_PROCESS:
                return None
            raise

    def is_alive(self) -> bool:
        """Whether any thread of it still runs; a zombie that waits for its parent is not alive."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return not poll.poll(0)

    async def wait(self) -> None:
        """Return once it is dead. Costs nothing meanwhile; several tasks may wait at once."""
        # A descriptor of one's own: a loop refuses two waiters on one, and closing it under a
        # waiter.
        fd = os.dup(self._fd)
        try:
            await anyio.wait_readable(fd)
        finally:
            os.close(fd)

    def signal(self, signum: int) -> None:
        """Send ``signum`` to it and no other process; a dead one ignores it. Raises `PermissionError`."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._fd, signum)

    def close(self) -> None:
        """Let go of it; once only."""
        os.close(self._fd)


def require_pidfd() -> None:
    """Raise `BadConfiguration` on a machine where processes cannot be watched by pidfd."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError) as exc:
        raise BadConfiguration(
            f"this machine cannot watch a process by its pidfd ({exc}): to launch a process the "
            "sidecar needs Linux 5.3 or newer, and a container's seccomp profile that allows "
            "pidfd_open"
        ) from exc
