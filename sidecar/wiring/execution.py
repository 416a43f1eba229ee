"""One execution of the sidecar's program: what it took over, and how it ended."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from sidecar.adapters.systemd_notify import SystemdNotifier
from sidecar.agent.board import Board
from sidecar.config import Settings
from sidecar.domain.records.store import LeaseID
from sidecar.wiring.reexec import Handover


@dataclass(frozen=True, slots=True)
class Execution:
    """``previous`` is what the previous execution handed over, ``manager`` the service manager.

    ``reload_settings`` reads the settings for the next execution. ``id`` is new in each execution.
    """

    previous: Handover | None = None
    manager: SystemdNotifier = field(default_factory=SystemdNotifier)
    reload_settings: Callable[[], Settings] | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def instance_id(self) -> str:
        """What the network knows this sidecar by: the id of the first execution in this process."""
        return self.previous.instance if self.previous else self.id

    @property
    def inherited_lock(self) -> int | None:
        return self.previous.lock if self.previous else None

    @property
    def inherited_lease(self) -> LeaseID | None:
        return self.previous.lease_id if self.previous else None

    @property
    def failed_starts(self) -> int:
        """The starts in a row that have not made the process healthy, as the previous execution counted."""
        return self.previous.failed_starts if self.previous else 0


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """How an execution ended; without a ``handover`` it was the last."""

    board: Board
    last_exit: int | None = None
    handover: Handover | None = None
