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
from sidecar.adapters.processes.pidfd import Watched
from sidecar.adapters.processes.session import LastWords
from sidecar.adapters.restart.drivers.driver import Life
from sidecar.domain.errors import DriverTrouble
from sidecar.domain.node.process import RELOADS
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)

# Seconds that the clock may have been set by between the writing of a file and now.
_CLOCK_WAS_SET = 60.0

# The kernel's largest process number is 4194304.
_MOST_DIGITS = 7


class PidFile:
    """The process whose number a file holds, if it was there when the file was written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.what = f"the process of {path}"

    def candidates(self) -> Iterator[int]:
        try:
            text = self._path.read_text(encoding="ascii").strip()
            written = self._path.stat().st_mtime
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as exc:
            raise DriverTrouble(f"{self._path} cannot be read: {exc}") from exc
        if not text:
            return  # it is being written
        if not text.isdigit() or len(text) > _MOST_DIGITS or int(text) < 1:
            raise DriverTrouble(f"{self._path} holds {text[:40]!r}, which is no process number")
        yield self._not_younger(int(text), written)

    def _not_younger(self, pid: int, written: float) -> int:
        ticks = procfs.start_ticks(pid)
        younger = 0.0 if ticks is None else time.time() - procfs.age(ticks) - written
        if younger > _CLOCK_WAS_SET:
            raise DriverTrouble(
                f"{self._path} was written {younger:.0f} s before process {pid} began, so that is another "
                "one; remove the file, or have the program write it anew"
            )
        return pid


class Pattern:
    """The process whose command line, its words joined by spaces, a regular expression is found in.

    Of several that are found the one counts that is no child of another: an init that waits for its java.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self.what = f"the process whose command line matches '{pattern}'"

    def candidates(self) -> Iterator[int]:
        """Never this sidecar, whose own command line may hold the pattern, nor its parents."""
        spared = set(procfs.ancestry(os.getpid()))
        found = [pid for pid in procfs.pids() if pid not in spared and self._matches(pid)]
        children = {pid for pid in found if set(procfs.ancestry(pid)[1:]) & set(found)}
        return iter([pid for pid in found if pid not in children])

    def _matches(self, pid: int) -> bool:
        words = procfs.command_line(pid)
        if any(word.startswith("--signal-pattern") for word in words):
            return False  # another node's sidecar, whose command line holds the pattern itself
        return bool(words) and self._pattern.search(" ".join(words)) is not None


@dataclass(frozen=True, slots=True)
class SignalDriver:
    """Sends ``signum`` through a pidfd, which never means another process, as a number may.

    A signal that ends: after ``stop_timeout`` seconds SIGKILL, before which ``last_words`` may ask the
    process what it is at. Whoever launched it starts it again. `RELOADS` are only sent.
    """

    finder: PidFile | Pattern
    signum: signal.Signals
    stop_timeout: float
    last_words: LastWords
    keeps_stopped: bool = False

    @property
    def what(self) -> str:
        return self.finder.what

    @property
    def replaces(self) -> bool:
        return self.signum not in RELOADS

    async def look(self) -> Life | None:
        held = self._hold()
        if held is None:
            return None
        process, life = held
        process.close()
        return life

    async def restart(self, life: Life | None, servers: ServerList) -> None:  # noqa: ARG002 - it reads its file itself
        """End the life, or have it read its file; where there is none, its launcher is waited for."""
        held = self._hold()
        if held is None or life is None:
            return
        process, found = held
        try:
            if found.name == life.name:
                await self._tell(process)
        finally:
            process.close()

    async def stop(self) -> None:
        raise DriverTrouble(f"{self.what} is started again by whoever launched it; stop it there")

    async def ended(self, life: Life) -> None:
        held = self._hold()
        if held is None:
            return
        process, found = held
        try:
            if found.name == life.name:
                await process.ended()
        finally:
            process.close()

    async def _tell(self, process: Watched) -> None:
        self._send(process, self.signum)
        if not self.replaces:
            return
        with anyio.move_on_after(self.stop_timeout):
            await process.ended()
            return
        what = f"the process outlived {self.signum.name}; sending SIGKILL"
        event(log, logging.WARNING, what, grace=self.stop_timeout, pid=process.pid)
        await self.last_words(process.pid)
        self._send(process, signal.SIGKILL)
        await process.ended()

    def _send(self, process: Watched, signum: signal.Signals) -> None:
        try:
            process.signal(signum)
        except PermissionError as exc:
            raise DriverTrouble(
                f"not allowed to signal process {process.pid} ({self.what}); "
                "run the sidecar as the same user, or give it the capability KILL"
            ) from exc

    def _open(self, pid: int) -> Watched | None:
        try:
            return Watched.open(pid)
        except OSError as exc:
            raise DriverTrouble(f"{self.what} cannot be watched: {exc}") from exc

    def _hold(self) -> tuple[Watched, Life] | None:
        """The one process that is found, held by its pidfd."""
        found: list[tuple[Watched, Life]] = []
        for pid in self.finder.candidates():
            process = self._open(pid)
            # Its start is read while it is held, and so belongs to it, and not to a successor of its number.
            ticks = procfs.start_ticks(pid) if process else None
            if process is not None and ticks is not None and process.alive():
                found.append((process, Life(f"{pid} {ticks} {procfs.boot()}", pid, procfs.age(ticks))))
            elif process is not None:
                process.close()
        if len(found) > 1:
            for process, _ in found:
                process.close()
            numbers = ", ".join(str(life.pid) for _, life in found)
            raise DriverTrouble(f"{self.what} is several: {numbers}; write a pattern that finds one")
        return found[0] if found else None
