"""What a node can decide to do."""

from dataclasses import dataclass

from sidecar.domain.documents.document import Document
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Put ``servers`` into the file that holds ``document``. ``rejected``: that is an unauthorised edit."""

    document: Document
    servers: ServerList
    rejected: bool


@dataclass(frozen=True, slots=True)
class AskToJoin:
    """Ask the leader to admit this server; ``servers`` is the list in its file.

    ``refused``: the leader has refused this attempt, so there is no hurry to ask again.
    """

    servers: ServerList
    attempt: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class StartProcess:
    """Launch the process on a file that holds ``servers``."""

    servers: ServerList


@dataclass(frozen=True, slots=True)
class StopProcess:
    """Stop the process: this node is no longer part of the network."""


@dataclass(frozen=True, slots=True)
class StopForRestart:
    """Stop the process, so that a later decision starts it on a file that holds ``servers`` or a newer list.

    Changes that arrive while it stops therefore cost no second restart.
    """

    servers: ServerList


@dataclass(frozen=True, slots=True)
class RestartProcess:
    """Restart the process in place, on a file that holds ``servers``."""

    servers: ServerList


Action = WriteFile | AskToJoin | StartProcess | StopProcess | StopForRestart | RestartProcess


@dataclass(frozen=True, slots=True)
class Decision:
    """The node's phase, the reason for it, and what to do.

    ``action`` None: wait for a change, at most until ``until`` (monotonic).
    """

    phase: Phase
    reason: str
    action: Action | None = None
    until: float | None = None
