"""What a node can decide to do."""

from dataclasses import dataclass

from sidecar.domain.documents.document import Document
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Put ``servers`` into ``file``. ``rejected``: what stands there is an edit nobody authorised."""

    file: Document
    servers: ServerList
    rejected: bool


@dataclass(frozen=True, slots=True)
class AskToJoin:
    """Ask the leader to let this server in; ``servers`` is what its file names."""

    servers: ServerList
    attempt: str


@dataclass(frozen=True, slots=True)
class StartProcess:
    """Launch the process on a file that holds ``servers``."""

    servers: ServerList


@dataclass(frozen=True, slots=True)
class StopProcess:
    """Stop the process for good."""


@dataclass(frozen=True, slots=True)
class RestartProcess:
    """Make the process read its file, which holds ``servers``, anew.

    Of a process that the sidecar launches only the stop is carried out: one that belongs to the network is
    started again by the ordinary rule, on whatever the file holds by then, so changes that come while it
    stops cost no second restart.
    """

    servers: ServerList


Action = WriteFile | AskToJoin | StartProcess | StopProcess | RestartProcess


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the node stands, why, and what to do: ``action`` None is to wait, at most until ``until``."""

    phase: Phase
    reason: str
    action: Action | None = None
    until: float | None = None
