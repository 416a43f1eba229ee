"""Find the process that a former life of the sidecar left running, and nobody else's."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from sidecar.adapters.processes import procfs
from sidecar.adapters.processes.pidfd import Watched
from sidecar.adapters.processes.session import Session
from sidecar.adapters.restart.saved_state import Launched, Memory
from sidecar.logs import event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What still lives of it. ``watched`` None: leftovers, to be ended before the next start."""

    remembered: Launched
    session: Session
    watched: Watched | None


def find(memory: Memory[Launched], argv: tuple[str, ...]) -> Found | None:
    """Return what lives of the process in ``memory``, which forgets one that is gone for good."""
    remembered = memory.read()
    if remembered is None:
        return None
    found = _find(remembered, argv)
    if found is None:
        memory.forget()
    return found


def _find(remembered: Launched, argv: tuple[str, ...]) -> Found | None:
    if remembered.boot != procfs.boot() or not Session.is_possible(remembered.session):
        return None
    session = Session(remembered.session)
    watched = _same_process(remembered)
    if watched is not None and remembered.argv == argv:
        return Found(remembered, session, watched)
    if watched is not None:
        watched.close()
        event(
            log,
            logging.WARNING,
            "the command has changed; what ran so far is ended",
            pid=remembered.pid,
        )
        return Found(remembered, session, None)
    if _number_was_reused(remembered) or session.survivor() is None:
        return None
    event(log, logging.WARNING, "the process is gone, what it left behind is ended")
    return Found(remembered, session, None)


def _same_process(remembered: Launched) -> Watched | None:
    """Hold it if it is alive and the very one that was launched, not another that has its number now."""
    # The pidfd first: whatever is read after that is of the process held, or of none.
    watched = Watched.open(remembered.pid) if remembered.pid > 1 else None
    if watched is None:
        return None
    if (
        procfs.start_ticks(remembered.pid) == remembered.started
        and watched.alive()
        and os.getsid(remembered.pid) == remembered.session
    ):
        return watched
    watched.close()
    return None


def _number_was_reused(remembered: Launched) -> bool:
    """Whether the session's number belongs to a stranger: then the whole session was gone before.

    The kernel keeps a session's number from new processes while it has members, so a process of
    that number is the session's own leader, here a zombie, or proof that the session ended.
    """
    ticks = procfs.start_ticks(remembered.session)
    return ticks is not None and ticks != remembered.began
