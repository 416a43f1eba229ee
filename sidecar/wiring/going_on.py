"""Executing the sidecar anew in place: the same process, which keeps its child, its lease and its ports."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import NoReturn

from sidecar.agent.signals import hand_on
from sidecar.domain.codec import from_json, to_json
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.store import LeaseID
from sidecar.logs import event

log = logging.getLogger(__name__)

VARIABLE = "SIDECAR_HANDOVER"
EXECUTABLE = "SIDECAR_EXECUTABLE"
"""Set by the standalone binary: the path of the one file, which may be a newer one by now."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What one life of the sidecar leaves to the next: ``lock`` and ``listener`` are open descriptors.

    ``fruitless``: how many starts in a row have not made the process healthy, so that its patience lives on.
    """

    pid: int
    instance: str
    lock: int
    listener: int | None
    lease: int | None
    fruitless: int = 0

    @property
    def lease_id(self) -> LeaseID | None:
        return None if self.lease is None else LeaseID(self.lease)


def handed_over(environ: MutableMapping[str, str]) -> Handover | None:
    """What the life before has left, in this very process; taken out of ``environ``, as no child needs it."""
    text = environ.pop(VARIABLE, None)
    if text is None:
        return None
    try:
        found = from_json(Handover, json.loads(text))
        os.fstat(found.lock)
    except (ValueError, OSError):
        return None
    return found if found.pid == os.getpid() else None


def keep(descriptor: int) -> int:
    """A copy of ``descriptor`` that outlives the execution of another program."""
    copy = os.dup(descriptor)
    os.set_inheritable(copy, True)
    return copy


def own_program() -> tuple[str, list[str]]:
    """What to execute, and its argv: the program that runs now, with the same arguments."""
    binary = os.environ.get(EXECUTABLE)
    if binary:
        return binary, [binary, *sys.argv[1:]]
    return sys.executable, sys.orig_argv


def require_program() -> None:
    """Raise `BadConfiguration` where the program cannot be executed again: better now than half-way."""
    path, _ = own_program()
    if not os.access(path, os.X_OK):
        raise BadConfiguration(f"{path} cannot be executed any more; put it back")


def execute_anew(handover: Handover) -> NoReturn:
    """Become the next life. Raises `BadConfiguration` where that fails; the process next to it runs on."""
    path, argv = own_program()
    event(log, logging.INFO, "going on anew", program=path)
    hand_on()
    environ = os.environ | {VARIABLE: json.dumps(to_json(handover))}
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(path, argv, environ)  # noqa: S606 - its own program
    except OSError as exc:
        raise BadConfiguration(f"{path} cannot be executed: {exc.strerror}") from exc
