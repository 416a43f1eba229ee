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
from sidecar.adapters.processes.pidfd import Pidfd
from sidecar.adapters.processes.run import CommandOutput, capture
from sidecar.adapters.restart.driver import Incarnation
from sidecar.domain.errors import DriverError
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)

POLL_INTERVAL = 2.0
"""Seconds between two looks at a unit without a process to wait for: systemd waits, or it has none."""
RECHECK_INTERVAL = 60.0
"""Seconds after which a unit is looked at though its process has not ended."""

_PROPERTIES = (
    "LoadState", "LoadError", "ActiveState", "SubState", "Result", "InvocationID", "MainPID",
    "ExecMainCode", "ExecMainStatus", "ExecMainStartTimestampMonotonic",
)  # fmt: skip
# `si_code` of waitid(2), as systemd reports it: the process ended by itself, with that status.
_EXITED_BY_ITSELF = "1"
# What systemd does before the unit's own process begins: ExecCondition=, ExecStartPre=.
_PRE_START_STATES = ("condition", "start-pre")
_UNREADY_STATES = {
    "activating": "is starting",
    "deactivating": "is stopping",
    "reloading": "is reloading",
    "refreshing": "is reloading",
    "maintenance": "is in maintenance",
}


@dataclass(frozen=True, slots=True)
class _Unit:
    """What ``systemctl show`` prints; see org.freedesktop.systemd1(5)."""

    load: str
    load_error: str
    active: str
    sub: str
    result: str
    invocation: str
    pid: int | None
    exit_status: str
    age: float | None

    @classmethod
    def read(cls, shown: str) -> _Unit:
        shown_values = dict(line.partition("=")[::2] for line in shown.splitlines())
        said = {name: shown_values.get(name, "") for name in _PROPERTIES}
        started = int(said["ExecMainStartTimestampMonotonic"] or 0)
        how = "exit status" if said["ExecMainCode"] == _EXITED_BY_ITSELF else "signal"
        return cls(
            load=said["LoadState"],
            load_error=said["LoadError"],
            active=said["ActiveState"],
            sub=said["SubState"],
            result=said["Result"],
            invocation=said["InvocationID"],
            pid=int(said["MainPID"] or 0) or None,
            exit_status=f"{how} {said['ExecMainStatus']}" if said["ExecMainCode"] not in ("", "0") else "",
            age=time.clock_gettime(time.CLOCK_MONOTONIC) - started / 1e6 if started else None,
        )

    @property
    def is_before_start(self) -> bool:
        """Whether its process is yet to begin, in a start that is under way."""
        return self.active == "activating" and self.sub in _PRE_START_STATES

    @property
    def failure(self) -> str:
        """Why it failed: systemd's word, and how its process ended."""
        return self.result + (f", {self.exit_status}" if self.exit_status else "")


class SystemdDriver:
    """The unit ``unit`` of the manager of the system, or of this ``user``.

    ``stop_timeout``: seconds from systemd's SIGTERM to a SIGKILL that is asked for here. A unit whose own
    ``TimeoutStopSec=`` is shorter is killed earlier. Without permission to send SIGKILL, that one applies.
    """

    starts_new_incarnation = True
    can_stop = True

    def __init__(self, unit: str, *, scope: str = "system", stop_timeout: float = 10.0) -> None:
        # As systemctl completes it; in messages, and in polkit's rules, it has its whole name.
        self.unit = unit if "." in unit else f"{unit}.service"
        self._scope = scope
        self._stop_timeout = stop_timeout

    @property
    def label(self) -> str:
        return f"unit {self.unit}"

    async def observe(self) -> Incarnation | None:
        """Its incarnation, named by systemd's InvocationID."""
        unit = await self._show()
        if unit.active == "inactive":
            self._require_startable(unit)
            return None
        if unit.active == "failed":
            return Incarnation(unit.invocation, end_reason=self._failure(unit))
        if unit.is_before_start:
            return None  # what has not begun has loaded nothing, and is no next incarnation yet
        if unit.active == "activating" and unit.sub.startswith("auto-restart"):
            # Its process is gone, and systemd is about to start the next: not the incarnation that ended.
            reason = f"{self.label} failed ({unit.failure}); systemd restarts it"
            return Incarnation(f"{unit.invocation} ended", unready_reason=reason, awaiting_restart=True)
        doing = _UNREADY_STATES.get(unit.active, "")
        unready = f"{self.label} {doing} ({unit.sub})" if doing else ""
        return Incarnation(unit.invocation, unit.pid, unit.age if unit.pid else None, unready_reason=unready)

    async def restart(self, incarnation: Incarnation | None, servers: ServerList) -> None:  # noqa: ARG002 - it reads its own file
        """``systemctl restart``, which waits for systemd's job; who cancels it ends the waiting.

        Only ``start`` where there is no process, or none yet: what comes up meanwhile has read the file as it
        is, and what prepares it may take longer than one attempt. systemd limits its time.
        """
        unit = await self._show()
        self._require_startable(unit)
        if unit.active == "failed":
            # At its start limit systemd would refuse; how often it is tried is the sidecar's to limit.
            await self._systemctl_or_raise("reset-failed")
        verb = "start" if incarnation is None or unit.is_before_start else "restart"
        answer = await self._run_job(verb, unit)
        if answer.code != 0:
            unit = await self._show()
            if unit.active == "failed":
                raise DriverError(self._failure(unit))
            raise self._error(verb, answer)

    async def stop(self) -> None:
        """``systemctl stop``, which waits for the end."""
        answer = await self._run_job("stop", await self._show())
        if answer.code != 0:
            raise self._error("stop", answer)

    async def wait_for_end(self, incarnation: Incarnation) -> None:
        """Wait on its main process; if none is visible, for a moment."""
        process = None
        with suppress(OSError):  # as on a machine without pidfds
            process = Pidfd.open(incarnation.pid) if incarnation.pid is not None else None
        if process is None:
            await anyio.sleep(POLL_INTERVAL)
            return
        try:
            # Not for ever: seen from a container, say, the number may be another process's.
            with anyio.move_on_after(RECHECK_INTERVAL):
                await process.wait()
        finally:
            process.close()

    async def _run_job(self, verb: str, unit: _Unit) -> CommandOutput:
        """Wait for systemd's job, and kill what does not let it end."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._kill_after_stop_timeout, unit.invocation)
            answer = await self._systemctl(verb, self.unit)
            tasks.cancel_scope.cancel()
        return answer

    async def _kill_after_stop_timeout(self, invocation: str) -> None:
        """SIGKILL for what ignores systemd's SIGTERM, earlier than systemd would by itself."""
        await anyio.sleep(self._stop_timeout)
        try:
            unit = await self._show()
            if unit.active == "deactivating" and unit.invocation == invocation:
                event(log, logging.WARNING, "unit survived SIGTERM; sending SIGKILL", unit=self.unit)
                await self._systemctl_or_raise("kill", "--signal=SIGKILL")
        except DriverError as exc:
            # systemd itself does it in the end, after TimeoutStopSec=.
            event(log, logging.WARNING, "cannot kill the unit", reason=str(exc))

    async def _show(self) -> _Unit:
        answer = await self._systemctl("show", f"--property={','.join(_PROPERTIES)}", "--", self.unit)
        if answer.code != 0:
            raise self._error("show", answer)
        return _Unit.read(answer.out)

    def _require_startable(self, unit: _Unit) -> None:
        systemctl = " ".join(self._command())
        match unit.load:
            case "loaded":
                return
            case "not-found":
                raise DriverError(
                    f"{self.label}: systemd knows no such unit; correct --systemd-unit, or install it "
                    f"and `{systemctl} daemon-reload`"
                )
            case "masked":
                raise DriverError(f"{self.label} is masked; `{systemctl} unmask {self.unit}`")
            case load:
                raise DriverError(
                    f"{self.label} cannot be loaded ({load}: {unit.load_error or 'no reason given'}); "
                    f"see `systemd-analyze verify {self.unit}`"
                )

    def _failure(self, unit: _Unit) -> str:
        journal = f"journalctl {'--user ' if self._scope == 'user' else ''}-u {self.unit}"
        return f"{self.label} failed ({unit.failure}); see `{journal}`"

    async def _systemctl_or_raise(self, verb: str, *options: str) -> None:
        answer = await self._systemctl(verb, *options, self.unit)
        if answer.code != 0:
            raise self._error(verb, answer)

    def _command(self) -> tuple[str, ...]:
        return ("systemctl", "--user") if self._scope == "user" else ("systemctl",)

    async def _systemctl(self, *words: str) -> CommandOutput:
        # The C locale: its output is parsed. No person is there to type a password.
        argv = (*self._command(), "--no-ask-password", "--no-pager", *words)
        found = await capture(Command(argv, env={**os.environ, "LC_ALL": "C"}))
        return CommandOutput(found.code, "", found.reason) if isinstance(found, NotStarted) else found

    def _error(self, verb: str, answer: CommandOutput) -> DriverError:
        """What systemctl said, and what to do about it."""
        said = " ".join(answer.err.split()) or f"exit status {answer.code}"
        return DriverError(f"systemctl {verb} {self.unit}: {said}{self._hint(said)}")

    def _hint(self, said: str) -> str:
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
