"""Launch a command into a session of its own, and read its exit code as a shell gives it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sidecar.adapters.processes.pidfd import Pidfd
from sidecar.domain.printing import os_reason

# What a shell answers for a command that it cannot find, or cannot execute.
NOT_FOUND, NOT_EXECUTABLE = 127, 126
# And 128 + n for one that signal n ended.
_SIGNALLED = 128

# The kernel keeps one table of children a process, so there is one here: those whose exit status is
# wanted.
_tracked: set[int] = set()


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, and where. ``cwd`` None is the sidecar's own folder, ``env`` None its environment."""

    argv: tuple[str, ...]
    cwd: Path | None = None
    env: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The command could not be executed at all. ``code`` is what a shell would exit with."""

    code: int
    reason: str


def launch(
    command: Command, *, quiet: bool = False, out: int | None = None, err: int | None = None
) -> Pidfd | NotStarted:
    """Run ``command`` as the leader of a new session; returns once it was executed. `reap` it in the end.

    Blocks for the half a millisecond that a vfork and an exec take: handing it to a thread costs as
    much. The standard streams are the sidecar's own; with ``quiet`` they are ``/dev/null``. ``out`` and
    ``err`` are descriptors that its output goes to instead.
    """
    stream = subprocess.DEVNULL if quiet else None
    try:
        process = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=command.env,
            stdin=stream,
            stdout=stream if out is None else out,
            stderr=stream if err is None else err,
            start_new_session=True,
        )
    except (OSError, ValueError) as exc:
        return _not_started(command, exc)
    _tracked.add(process.pid)
    # Popen would wait for it, or warn that it was not waited for; from here on the pidfd does that, and
    # `reap`.
    process.returncode = 0
    return _open_pidfd(process.pid)


def tracked_pids() -> Collection[int]:
    """The children whose exit status is still wanted here."""
    return _tracked


def track(pid: int) -> bool:
    """Track child ``pid``, launched before this process re-executed; return whether it is one."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    _tracked.add(pid)
    return True


def exit_code(pid: int) -> int | None:
    """Return what child ``pid`` exited with, 128 + n for signal n; None while it runs, or if it is no child.

    It stays a zombie until `reap`, so that the kernel does not reuse its number, or its session's.
    """
    try:
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else _SIGNALLED + found.si_status


def reap(pid: int) -> None:
    """Let the kernel forget child ``pid``, which has ended; do nothing for a process that is no child."""
    _tracked.discard(pid)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return


def describe_exit(code: int | None) -> str:
    """An exit code as text, for a person."""
    if code is None:
        return "with an unknown exit code"
    if code > _SIGNALLED:
        with suppress(ValueError):
            return f"by {signal.Signals(code - _SIGNALLED).name}"
    return f"with exit code {code}"


def _open_pidfd(pid: int) -> Pidfd | NotStarted:
    try:
        return Pidfd(pid, os.pidfd_open(pid))
    except OSError as exc:  # out of descriptors: what cannot be watched must not run
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        _tracked.discard(pid)
        return NotStarted(NOT_EXECUTABLE, f"cannot be watched: {exc}")


def _not_started(command: Command, exc: OSError | ValueError) -> NotStarted:
    if not isinstance(exc, OSError):
        return NotStarted(NOT_EXECUTABLE, f"has an argument or a variable that no process can have: {exc}")
    if command.cwd is not None and exc.filename == command.cwd:
        return NotStarted(NOT_EXECUTABLE, f"cannot run in the folder {command.cwd}: {os_reason(exc)}")
    program = command.argv[0]
    if exc.errno == errno.ENOENT:
        if "/" in program and Path(program).exists():
            return NotStarted(NOT_FOUND, "needs an interpreter (its first line, '#!') that is not installed")
        where = "there is no such file" if "/" in program else "it is not in PATH"
        return NotStarted(NOT_FOUND, f"was not found: {where}")
    if exc.errno == errno.ENOEXEC:
        return NotStarted(NOT_EXECUTABLE, "is not a program: a script begins with a line such as '#!/bin/sh'")
    hint = "; `chmod +x` it" if exc.errno == errno.EACCES else ""
    return NotStarted(NOT_EXECUTABLE, f"cannot be executed: {os_reason(exc)}{hint}")
