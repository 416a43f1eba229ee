"""Re-executing the sidecar in place: the process keeps its pid, its child, its lease and its ports."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import ClassVar, NoReturn

import anyio

from sidecar.adapters.processes.launch import Command, NotStarted, describe_exit
from sidecar.adapters.processes.os_signals import block_signals_for_reexec
from sidecar.adapters.processes.run import capture
from sidecar.domain.errors import BadConfiguration, ReexecFailed
from sidecar.domain.printing import os_reason
from sidecar.domain.records.codec import from_json, to_json
from sidecar.domain.records.formats import Formats, find_format_problem
from sidecar.domain.records.store import LeaseID
from sidecar.logs import event

log = logging.getLogger(__name__)

HANDOVER_VARIABLE = "SIDECAR_HANDOVER"
EXECUTABLE_VARIABLE = "SIDECAR_EXECUTABLE"
"""Set by the standalone binary: the path of the one file, which may be a newer one by now."""

VERSION_TIMEOUT = 30.0
"""Seconds that the program may take to print its version."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What one execution hands over to the next: ``lock`` and ``listener`` are open descriptors.

    ``admin_address`` is the address that the listener was asked for with. ``failed_starts``: how many starts
    in a row have not made the process healthy.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    pid: int
    instance: str
    lock: int
    listener: int | None
    lease: int | None
    failed_starts: int = 0
    admin_address: str = ""

    @property
    def lease_id(self) -> LeaseID | None:
        return None if self.lease is None else LeaseID(self.lease)


def take_handover(environ: MutableMapping[str, str]) -> Handover | None:
    """What the previous execution in this process handed over; removed from ``environ`` for its children.

    Raises `BadConfiguration` if the previous run was a newer version, whose handover this one cannot read.
    """
    text = environ.pop(HANDOVER_VARIABLE, None)
    if text is None:
        return None
    try:
        document = json.loads(text)
        if unknown := find_format_problem(Handover, document):
            raise BadConfiguration(unknown.describe(f"the handover in {HANDOVER_VARIABLE}"))
        found = from_json(Handover, document)
        os.fstat(found.lock)
    except (ValueError, OSError):
        return None
    return found if found.pid == os.getpid() else None


def inheritable_copy(descriptor: int) -> int:
    """A copy of ``descriptor`` that outlives the execution of another program."""
    copy = os.dup(descriptor)
    os.set_inheritable(copy, True)
    return copy


async def require_program() -> None:
    """Raise `BadConfiguration` if the program could not start again: better now than half-way.

    It is tried out: a file may be half a copy, and a package half an upgrade.
    """
    argv = (*_own_program(), "--version")
    path = argv[0]
    try:
        with anyio.fail_after(VERSION_TIMEOUT):
            found = await capture(Command(argv))
    except TimeoutError as exc:
        raise BadConfiguration(
            f"{path} --version takes longer than {VERSION_TIMEOUT:g} s; fix the installation"
        ) from exc
    if isinstance(found, NotStarted):
        raise BadConfiguration(f"{path} {found.reason}; reinstall it")
    if found.code != 0:
        last = found.err.strip().rpartition("\n")[2]
        raise BadConfiguration(
            f"`{' '.join(argv)}` failed {describe_exit(found.code)} ({last}); fix the installation"
        )


def _own_program() -> tuple[str, ...]:
    """The beginning of a command line that runs what is installed as this program now."""
    binary = os.environ.get(EXECUTABLE_VARIABLE)
    return (binary,) if binary else (sys.executable, "-m", "sidecar")


def reexec(handover: Handover) -> NoReturn:
    """Become the next execution, with the same arguments.

    Raises `ReexecFailed` if that fails; the process next to the sidecar keeps running.
    """
    binary = os.environ.get(EXECUTABLE_VARIABLE)
    path, argv = (binary, [binary, *sys.argv[1:]]) if binary else (sys.executable, sys.orig_argv)
    event(log, logging.INFO, "re-executing", program=path)
    block_signals_for_reexec()
    environ = os.environ | {HANDOVER_VARIABLE: json.dumps(to_json(handover))}
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(path, argv, environ)  # noqa: S606 - its own program
    except OSError as exc:
        raise ReexecFailed(f"{path} cannot be executed: {os_reason(exc)}; reinstall it") from exc
