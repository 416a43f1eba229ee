"""The driver ``signal``: a process that something else launches, and starts again when it has ended."""

from __future__ import annotations

import logging
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio

from sidecar.adapters.processes import procfs
from sidecar.adapters.processes.pidfd import Pidfd
from sidecar.adapters.processes.session import BeforeKill
from sidecar.adapters.restart.driver import Incarnation
from sidecar.domain.errors import DriverError
from sidecar.domain.node.process import RELOAD_SIGNALS
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)

# Seconds that the clock may have been set by between the writing of a file and now.
_CLOCK_TOLERANCE = 60.0

# The kernel's largest process number is 4194304.
_MAX_PID_DIGITS = 7


class PidFile:
    """The process whose number a file holds, if it was there when the file was written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.label = f"the process of {path}"

    def candidates(self) -> Iterator[int]:
        try:
            text = self._path.read_text(encoding="ascii").strip()
            written = self._path.stat().st_mtime
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as exc:
            raise DriverError(f"{self._path} cannot be read: {exc}") from exc
        if not text:
            return  # it is being written
        if not text.isdigit() or len(text) > _MAX_PID_DIGITS or int(text) < 1:
            raise DriverError(f"{self._path} holds {text[:40]!r}, which is not a pid")
        yield self._require_older_than_file(int(text), written)

    def _require_older_than_file(self, pid: int, written: float) -> int:
        ticks = procfs.start_ticks(pid)
        younger = 0.0 if ticks is None else time.time() - procfs.age_of(ticks) - written
        if younger > _CLOCK_TOLERANCE:
            raise DriverError(
                f"stale pid file {self._path}: process {pid} started {younger:.0f} s after it was "
                "written; remove the file, or have the program write it at each start"
            )
        return pid


class CommandLinePattern:
    """The process whose command line, its words joined by spaces, a regular expression is found in.

    If several match, the one counts that is not a child of another: an init that waits for its java.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self.label = f"the process whose command line matches '{pattern}'"

    def candidates(self) -> Iterator[int]:
        """Never this sidecar, whose own command line may hold the pattern, nor its parents."""
        own_pids = set(procfs.ancestors(os.getpid()))
        found = [pid for pid in procfs.pids() if pid not in own_pids and self._matches(pid)]
        children = {pid for pid in found if set(procfs.ancestors(pid)[1:]) & set(found)}
        return iter([pid for pid in found if pid not in children])

    def _matches(self, pid: int) -> bool:
        words = procfs.command_line(pid)
        if any(word.startswith("--signal-pattern") for word in words):
            return False  # another node's sidecar, whose command line holds the pattern itself
        return bool(words) and self._pattern.search(" ".join(words)) is not None


@dataclass(frozen=True, slots=True)
class SignalDriver:
    """Sends ``signum`` through a pidfd, which never means another process, as a number may.

    A signal that ends: after ``stop_timeout`` seconds SIGKILL, before which ``before_kill`` may ask the
    process what it is doing. Its launcher starts it again. `RELOAD_SIGNALS` are only sent.
    """

    finder: PidFile | CommandLinePattern
    signum: signal.Signals
    stop_timeout: float
    before_kill: BeforeKill
    can_stop: bool = False

    @property
    def label(self) -> str:
        return self.finder.label

    @property
    def starts_new_incarnation(self) -> bool:
        return self.signum not in RELOAD_SIGNALS

    async def observe(self) -> Incarnation | None:
        held = self._find()
        if held is None:
            return None
        process, incarnation = held
        process.close()
        return incarnation

    async def restart(self, incarnation: Incarnation | None, servers: ServerList) -> None:  # noqa: ARG002 - it reads its file itself
        """End the process, or have it read its file; if there is none, its launcher is waited for."""
        held = self._find()
        if held is None or incarnation is None:
            return
        process, found = held
        try:
            if found.id == incarnation.id:
                await self._signal_and_wait(process)
        finally:
            process.close()

    async def stop(self) -> None:
        raise DriverError(f"the launcher of {self.label} would start it again; stop it there")

    async def wait_for_end(self, incarnation: Incarnation) -> None:
        held = self._find()
        if held is None:
            return
        process, found = held
        try:
            if found.id == incarnation.id:
                await process.wait()
        finally:
            process.close()

    async def _signal_and_wait(self, process: Pidfd) -> None:
        self._send(process, self.signum)
        if not self.starts_new_incarnation:
            return
        with anyio.move_on_after(self.stop_timeout):
            await process.wait()
            return
        what = f"process survived {self.signum.name}; sending SIGKILL"
        event(log, logging.WARNING, what, stop_timeout=self.stop_timeout, pid=process.pid)
        await self.before_kill(process.pid)
        self._send(process, signal.SIGKILL)
        await process.wait()

    def _send(self, process: Pidfd, signum: signal.Signals) -> None:
        try:
            process.signal(signum)
        except PermissionError as exc:
            raise DriverError(
                f"not allowed to signal process {process.pid} ({self.label}); "
                "run the sidecar as the same user, or give it the capability KILL"
            ) from exc

    def _open(self, pid: int) -> Pidfd | None:
        try:
            return Pidfd.open(pid)
        except OSError as exc:
            raise DriverError(f"{self.label} cannot be watched: {exc}") from exc

    def _find(self) -> tuple[Pidfd, Incarnation] | None:
        """The one process that is found, held by its pidfd."""
        found: list[tuple[Pidfd, Incarnation]] = []
        for pid in self.finder.candidates():
            process = self._open(pid)
            # Its start is read while it is held, and so belongs to it, and not to a successor of its number.
            ticks = procfs.start_ticks(pid) if process else None
            if process is not None and ticks is not None and process.is_alive():
                found.append(
                    (process, Incarnation(f"{pid} {ticks} {procfs.boot_id()}", pid, procfs.age_of(ticks)))
                )
            elif process is not None:
                process.close()
        if len(found) > 1:
            for process, _ in found:
                process.close()
            numbers = ", ".join(str(incarnation.pid) for _, incarnation in found)
            raise DriverError(
                f"{self.label}: the pattern matches several processes ({numbers}); make it more specific"
            )
        return found[0] if found else None
