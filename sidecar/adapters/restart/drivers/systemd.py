"""A unit of systemd: restarted through ``systemctl``.

``systemctl`` and not D-Bus: it is there wherever systemd is, speaks for both managers, asks polkit as the bus
would, and costs nothing while nothing happens; a D-Bus library would cost each sidecar its memory for good.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from dataclasses import dataclass

import anyio

from sidecar.adapters.processes.launch import Command, NotStarted
from sidecar.adapters.processes.pidfd import Watched
from sidecar.adapters.processes.run import Answer, ask
from sidecar.adapters.restart.drivers.driver import Life
from sidecar.domain.errors import DriverTrouble
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)

UNWATCHED = 2.0
"""Seconds between two looks at a unit without a process to wait for: systemd waits, or it has none."""
UNSURE = 60.0
"""Seconds after which a unit is looked at though its process has not ended."""

_ASKED = (
    "LoadState", "LoadError", "ActiveState", "SubState", "Result", "InvocationID", "MainPID",
    "ExecMainCode", "ExecMainStatus", "ExecMainStartTimestampMonotonic",
)  # fmt: skip
# `si_code` of waitid(2), as systemd tells it: the process ended by itself, with that status.
_EXITED = "1"
# What systemd does before the unit's own process begins: ExecCondition=, ExecStartPre=.
_BEFORE_ITS_PROCESS = ("condition", "start-pre")
_UNREADY = {
    "activating": "is starting",
    "deactivating": "is stopping",
    "reloading": "is reloading",
    "refreshing": "is reloading",
    "maintenance": "is in maintenance",
}


@dataclass(frozen=True, slots=True)
class _Unit:
    """What ``systemctl show`` tells; see org.freedesktop.systemd1(5)."""

    load: str
    load_error: str
    active: str
    sub: str
    result: str
    invocation: str
    pid: int | None
    ended: str
    age: float | None

    @classmethod
    def read(cls, shown: str) -> _Unit:
        told = dict(line.partition("=")[::2] for line in shown.splitlines())
        said = {name: told.get(name, "") for name in _ASKED}
        started = int(said["ExecMainStartTimestampMonotonic"] or 0)
        how = "exit status" if said["ExecMainCode"] == _EXITED else "signal"
        return cls(
            load=said["LoadState"],
            load_error=said["LoadError"],
            active=said["ActiveState"],
            sub=said["SubState"],
            result=said["Result"],
            invocation=said["InvocationID"],
            pid=int(said["MainPID"] or 0) or None,
            ended=f"{how} {said['ExecMainStatus']}" if said["ExecMainCode"] not in ("", "0") else "",
            age=time.clock_gettime(time.CLOCK_MONOTONIC) - started / 1e6 if started else None,
        )

    @property
    def is_prepared(self) -> bool:
        """Whether its process is yet to begin, in a start that is under way."""
        return self.active == "activating" and self.sub in _BEFORE_ITS_PROCESS

    @property
    def why(self) -> str:
        """Why it failed: systemd's word, and how its process ended."""
        return self.result + (f", {self.ended}" if self.ended else "")


class SystemdDriver:
    """The unit ``unit`` of the manager of the system, or of this ``user``.

    ``stop_timeout``: seconds from systemd's SIGTERM to a SIGKILL that is asked for here. A unit whose own
    ``TimeoutStopSec=`` is shorter is killed earlier; one without leave to do that, then.
    """

    replaces = True
    keeps_stopped = True

    def __init__(self, unit: str, *, scope: str = "system", stop_timeout: float = 10.0) -> None:
        # As systemctl completes it; in messages, and in polkit's rules, it has its whole name.
        self.unit = unit if "." in unit else f"{unit}.service"
        self._scope = scope
        self._stop_timeout = stop_timeout

    @property
    def what(self) -> str:
        return f"unit {self.unit}"

    async def look(self) -> Life | None:
        """Its life, named by systemd's InvocationID."""
        unit = await self._show()
        if unit.active == "inactive":
            self._must_be_startable(unit)
            return None
        if unit.active == "failed":
            return Life(unit.invocation, over=self._failure(unit))
        if unit.is_prepared:
            return None  # what has not begun has loaded nothing, and is no next life yet
        if unit.active == "activating" and unit.sub.startswith("auto-restart"):
            # Its process is gone, and systemd is about to start the next: not the life that ended.
            told = f"{self.what} failed ({unit.why}); systemd restarts it"
            return Life(f"{unit.invocation} ended", unready=told, between=True)
        doing = _UNREADY.get(unit.active, "")
        unready = f"{self.what} {doing} ({unit.sub})" if doing else ""
        return Life(unit.invocation, unit.pid, unit.age if unit.pid else None, unready=unready)

    async def restart(self, life: Life | None, servers: ServerList) -> None:  # noqa: ARG002 - it reads its own file
        """``systemctl restart``, which waits for systemd's job; who cancels it ends the waiting.

        Only ``start`` where there is no process, or none yet: what comes up meanwhile has read the file as it
        is, and what prepares it may take longer than one attempt. systemd limits its time.
        """
        unit = await self._show()
        self._must_be_startable(unit)
        if unit.active == "failed":
            # At its start limit systemd would refuse; how often it is tried is the sidecar's to limit.
            await self._order("reset-failed")
        verb = "start" if life is None or unit.is_prepared else "restart"
        answer = await self._finish(verb, unit)
        if answer.code != 0:
            unit = await self._show()
            if unit.active == "failed":
                raise DriverTrouble(self._failure(unit))
            raise self._trouble(verb, answer)

    async def stop(self) -> None:
        """``systemctl stop``, which waits for the end."""
        answer = await self._finish("stop", await self._show())
        if answer.code != 0:
            raise self._trouble("stop", answer)

    async def ended(self, life: Life) -> None:
        """Wait on its main process; where there is none in sight, for a moment."""
        process = None
        with suppress(OSError):  # as on a machine without pidfds
            process = Watched.open(life.pid) if life.pid is not None else None
        if process is None:
            await anyio.sleep(UNWATCHED)
            return
        try:
            # Not for ever: seen from a container, say, the number may be another process's.
            with anyio.move_on_after(UNSURE):
                await process.ended()
        finally:
            process.close()

    async def _finish(self, verb: str, unit: _Unit) -> Answer:
        """Wait for systemd's job, and kill what does not let it end."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._kill_one_that_stays, unit.invocation)
            answer = await self._systemctl(verb, self.unit)
            tasks.cancel_scope.cancel()
        return answer

    async def _kill_one_that_stays(self, invocation: str) -> None:
        """SIGKILL for what ignores systemd's SIGTERM, earlier than systemd would by itself."""
        await anyio.sleep(self._stop_timeout)
        try:
            unit = await self._show()
            if unit.active == "deactivating" and unit.invocation == invocation:
                event(log, logging.WARNING, "the unit outlived SIGTERM; sending SIGKILL", unit=self.unit)
                await self._order("kill", "--signal=SIGKILL")
        except DriverTrouble as exc:
            # systemd itself does it in the end, after TimeoutStopSec=.
            event(log, logging.WARNING, "the unit cannot be killed", why=str(exc))

    async def _show(self) -> _Unit:
        answer = await self._systemctl("show", f"--property={','.join(_ASKED)}", "--", self.unit)
        if answer.code != 0:
            raise self._trouble("show", answer)
        return _Unit.read(answer.out)

    def _must_be_startable(self, unit: _Unit) -> None:
        systemctl = " ".join(self._command())
        match unit.load:
            case "loaded":
                return
            case "not-found":
                raise DriverTrouble(
                    f"{self.what}: systemd knows no such unit; correct --systemd-unit, or install it "
                    f"and `{systemctl} daemon-reload`"
                )
            case "masked":
                raise DriverTrouble(f"{self.what} is masked; `{systemctl} unmask {self.unit}`")
            case load:
                raise DriverTrouble(
                    f"{self.what} cannot be loaded ({load}: {unit.load_error or 'no reason given'}); "
                    f"see `systemd-analyze verify {self.unit}`"
                )

    def _failure(self, unit: _Unit) -> str:
        journal = f"journalctl {'--user ' if self._scope == 'user' else ''}-u {self.unit}"
        return f"{self.what} failed ({unit.why}); see `{journal}`"

    async def _order(self, verb: str, *options: str) -> None:
        answer = await self._systemctl(verb, *options, self.unit)
        if answer.code != 0:
            raise self._trouble(verb, answer)

    def _command(self) -> tuple[str, ...]:
        return ("systemctl", "--user") if self._scope == "user" else ("systemctl",)

    async def _systemctl(self, *words: str) -> Answer:
        # The C locale: what it says is looked at. Nobody is there to type a password.
        argv = (*self._command(), "--no-ask-password", "--no-pager", *words)
        found = await ask(Command(argv, env={**os.environ, "LC_ALL": "C"}))
        return Answer(found.code, "", found.reason) if isinstance(found, NotStarted) else found

    def _trouble(self, verb: str, answer: Answer) -> DriverTrouble:
        """What systemctl said, and what to do about it."""
        said = " ".join(answer.err.split()) or f"exit status {answer.code}"
        return DriverTrouble(f"systemctl {verb} {self.unit}: {said}{self._advice(said)}")

    def _advice(self, said: str) -> str:
        if "authentication required" in said or "Access denied" in said or "Permission denied" in said:
            return (
                f"; the sidecar's user (uid {os.geteuid()}) may not manage the unit: "
                "allow it by a polkit rule, as in systemd/examples"
            )
        if "not been booted with systemd" in said:
            return "; choose another --restart on this machine"
        if "connect to bus" in said and self._scope == "user":
            return (
                "; --systemd-scope user needs XDG_RUNTIME_DIR, and a user manager (`loginctl enable-linger`)"
            )
        if "connect to bus" in said:
            return "; a sidecar in a container needs the host's /run/dbus/system_bus_socket and /run/systemd"
        return ""
