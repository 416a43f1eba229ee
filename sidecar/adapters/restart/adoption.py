"""Find the process that an earlier execution of the sidecar left running, and no other."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from sidecar.adapters.processes import procfs
from sidecar.adapters.processes.pidfd import Pidfd
from sidecar.adapters.processes.session import Session
from sidecar.adapters.restart.saved_state import LaunchRecord, StateFile
from sidecar.logs import event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What still lives of it. ``pidfd`` None: leftovers, to be ended before the next start."""

    record: LaunchRecord
    session: Session
    pidfd: Pidfd | None


def find_launched(state_file: StateFile[LaunchRecord], argv: tuple[str, ...]) -> Found | None:
    """Return what lives of the process in ``state_file``, which forgets one that is gone for good."""
    record = state_file.read()
    if record is None:
        return None
    found = _find_recorded(record, argv)
    if found is None:
        state_file.clear()
    return found


def _find_recorded(record: LaunchRecord, argv: tuple[str, ...]) -> Found | None:
    if record.boot_id != procfs.boot_id() or not Session.is_possible(record.session_id):
        return None
    session = Session(record.session_id)
    pidfd = _open_same_process(record)
    if pidfd is not None and record.argv == argv:
        return Found(record, session, pidfd)
    if pidfd is not None:
        pidfd.close()
        event(
            log,
            logging.WARNING,
            "command changed; stopping the process started with the old command",
            pid=record.pid,
        )
        return Found(record, session, None)
    if _pid_was_reused(record) or session.lowest_live_pid() is None:
        return None
    event(log, logging.WARNING, "process gone; stopping what it left running")
    return Found(record, session, None)


def _open_same_process(record: LaunchRecord) -> Pidfd | None:
    """Hold it if it is alive and the very one that was launched, not another that has its number now."""
    # The pidfd first: whatever is read after that is of the process held, or of none.
    pidfd = Pidfd.open(record.pid) if record.pid > 1 else None
    if pidfd is None:
        return None
    if (
        procfs.start_ticks(record.pid) == record.start_ticks
        and pidfd.is_alive()
        and os.getsid(record.pid) == record.session_id
    ):
        return pidfd
    pidfd.close()
    return None


def _pid_was_reused(record: LaunchRecord) -> bool:
    """Return whether an unrelated process has the session's number: then the whole session has ended.

    The kernel gives a session's number to no new process while the session has members. So a process of that
    number is the session's own leader, here a zombie, or it proves that the session ended.
    """
    ticks = procfs.start_ticks(record.session_id)
    return ticks is not None and ticks != record.session_start_ticks
