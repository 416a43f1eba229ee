"""All of a command that was launched: every process of its session."""

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

# After SIGKILL only a process stuck in the kernel (a dead disk or network mount) lives on; nothing
# can end it.
_KILL_TIMEOUT = 5.0
# How many members are waited for at a time, so that a thousand of them do not take a thousand
# descriptors.
_MAX_PIDFDS_AT_ONCE = 64


BeforeKill = Callable[[int], Awaitable[None]]


async def no_hook(_: int) -> None:
    """Ask nothing."""


class Session:
    """The session ``id``, which is also its first process's number and process group.

    The session, and not only that group: a shell with job control gives each of its jobs a group of
    its own, and leaves them all in its session. A process that calls setsid(2) has left for good.

    The number cannot come to mean other processes while a member lives or its leader is not reaped;
    past that, forget the Session.
    """

    def __init__(self, session_id: int) -> None:
        if not self.is_possible(session_id):
            raise ValueError(f"session {session_id} is not one that the sidecar launched")
        self.id = session_id

    @staticmethod
    def is_possible(session_id: int) -> bool:
        """Whether the sidecar may have launched it: to kill(2) these other numbers mean init, or itself."""
        return session_id > 1 and session_id != os.getsid(0)

    def lowest_live_pid(self) -> int | None:
        """The lowest number of a member that lives; None when all are gone."""
        found = self._open_live(1)
        for member in found:
            member.close()
        return found[0].pid if found else None

    def signal(self, signum: int) -> None:
        """Send ``signum`` to every member, each process group at one stroke."""
        # Asked of the members, zombies too: with the last of them the number itself may pass to
        # strangers.
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
        """SIGTERM to all, after ``stop_timeout`` seconds SIGKILL; whether all are gone then.

        ``before_kill`` may ask each of those that outlived SIGTERM what it is at, by its number.
        """
        if self.lowest_live_pid() is None:
            return True
        self.signal(signal.SIGTERM)
        # One that is suspended receives SIGTERM only when it continues.
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
        """SIGKILL to all, until none is left; whether none is. Takes 5 s at most."""
        with anyio.move_on_after(_KILL_TIMEOUT):
            self.signal(signal.SIGKILL)
            while await self._wait_for_some():
                # Again: one that was just being forked into another group was not hit.
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
        """Wait for some of those that live now; False when none does."""
        members = self._open_live(_MAX_PIDFDS_AT_ONCE)
        try:
            for member in members:
                await member.wait()
        finally:
            for member in members:
                member.close()
        return bool(members)

    def _open_live(self, limit: int) -> list[Pidfd]:
        """The first ``limit`` live members; zombies do not count."""
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
    """What the kernel answers about process ``pid``; 0 when that is gone by now."""
    try:
        return question(pid)
    except OSError:
        return 0
