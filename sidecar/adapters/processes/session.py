"""The session of a launched command: all of its processes, to signal and to end."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Awaitable, Callable
from itertools import islice

import anyio

from sidecar.adapters.processes import procfs
from sidecar.adapters.processes.pidfd import Pidfd
from sidecar.logs import event

log = logging.getLogger(__name__)

# After SIGKILL, only a process that hangs in the kernel (a dead disk or network mount) still runs;
# nothing can end it.
_KILL_TIMEOUT = 5.0
# How many members are waited for at a time: each takes a descriptor.
_MAX_PIDFDS_AT_ONCE = 64


BeforeKill = Callable[[int], Awaitable[None]]


async def no_hook(_: int) -> None:
    """Do nothing before SIGKILL."""


class Session:
    """The session ``id``, which is also its first process's number and process group.

    The session, and not only that group: a shell with job control gives each of its jobs a group of
    its own, and leaves them all in its session. A process that calls setsid(2) has left for good.

    The kernel does not reuse the number while a member runs, or the leader is not reaped. After that, do not
    use the Session any more.
    """

    def __init__(self, session_id: int) -> None:
        if not self.is_possible(session_id):
            raise ValueError(f"session {session_id} is not one that the sidecar launched")
        self.id = session_id

    @staticmethod
    def is_possible(session_id: int) -> bool:
        """Return whether the sidecar may have launched it: not so init, or its own session."""
        return session_id > 1 and session_id != os.getsid(0)

    def lowest_live_pid(self) -> int | None:
        """Return the lowest pid of the running members; None if none runs."""
        found = self._open_live(1)
        for member in found:
            member.close()
        return found[0].pid if found else None

    def signal(self, signum: int) -> None:
        """Send ``signum`` to every member, one process group at a time."""
        # The groups come from the members, zombies included: after the last of them, an unrelated process
        # may get the number.
        for group in {_ask_kernel(os.getpgid, pid) for pid in self._members()} - {0}:
            try:
                os.killpg(group, signum)
            except ProcessLookupError:
                continue
            except PermissionError:
                event(
                    log,
                    logging.WARNING,
                    "not allowed to signal the process",
                    group=group,
                    signal=signum,
                )

    async def end(self, stop_timeout: float, before_kill: BeforeKill = no_hook) -> bool:
        """Send SIGTERM to all, and SIGKILL after ``stop_timeout`` seconds; return whether all are gone.

        ``before_kill`` gets the pid of each process that survived SIGTERM, for a thread dump.
        """
        if self.lowest_live_pid() is None:
            return True
        self.signal(signal.SIGTERM)
        # A suspended process handles SIGTERM only when it continues.
        self.signal(signal.SIGCONT)
        with anyio.move_on_after(stop_timeout):
            while await self._wait_for_some():
                pass
            return True
        event(
            log,
            logging.WARNING,
            "process survived SIGTERM; sending SIGKILL",
            stop_timeout=stop_timeout,
            session=self.id,
        )
        for pid in self._members():
            await before_kill(pid)
        return await self.kill()

    async def kill(self) -> bool:
        """Send SIGKILL to all until none runs; return whether that is so. Takes 5 s at most."""
        with anyio.move_on_after(_KILL_TIMEOUT):
            self.signal(signal.SIGKILL)
            while await self._wait_for_some():
                # Again: a process that was being forked into another group did not get the signal.
                self.signal(signal.SIGKILL)
            return True
        event(
            log,
            logging.ERROR,
            "process survived SIGKILL",
            pid=self.lowest_live_pid(),
        )
        return False

    async def _wait_for_some(self) -> bool:
        """Wait for some of the running members to end; return False if none runs."""
        members = self._open_live(_MAX_PIDFDS_AT_ONCE)
        try:
            for member in members:
                await member.wait()
        finally:
            for member in members:
                member.close()
        return bool(members)

    def _open_live(self, limit: int) -> list[Pidfd]:
        """Open the first ``limit`` running members; zombies do not count."""
        held = (Pidfd.open(pid) for pid in self._members())
        return list(islice((member for member in held if member and _close_unless_alive(member)), limit))

    def _members(self) -> list[int]:
        return [pid for pid in procfs.pids() if _ask_kernel(os.getsid, pid) == self.id]


def _close_unless_alive(member: Pidfd) -> bool:
    if member.is_alive():
        return True
    member.close()
    return False


def _ask_kernel(question: Callable[[int], int], pid: int) -> int:
    """Return the kernel's answer about process ``pid``; 0 if it is gone."""
    try:
        return question(pid)
    except OSError:
        return 0
