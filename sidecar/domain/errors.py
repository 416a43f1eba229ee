"""Every error the sidecar raises, in one tree.

The two branches under the root say whether a retry can help::

    SidecarError
    ├── Transient                   the same call may succeed later
    │   ├── StoreUnavailable        etcd did not answer, or not in time
    │   └── DriverError             the platform that restarts the process refused, or did not answer
    └── Permanent                   someone must change something first
        ├── UsageError              the command line makes no sense
        ├── BadConfiguration        a setting is wrong (flag, environment or sidecar.toml)
        ├── BadFile                 a configuration file is wrong; carries all of its problems
        ├── BadRecord               a value read from etcd is not what the protocol says
        │   └── UnknownFormat       this version cannot read its format
        ├── StoreRefused            etcd refused the request (authentication, permission, a malformed request)
        ├── LeaseLost               the lease this work depended on is gone
        └── Refused                 the leader, or a rule of the network, refused

Expected outcomes of the protocol are return values, not exceptions: a lost compare-and-swap, a refused join.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of the command line; the numbers are those of BSD's ``sysexits.h``."""

    OK = 0
    USAGE = 64
    BAD_FILE = 65
    UNAVAILABLE = 69
    INTERNAL = 70
    OS_ERROR = 71
    REFUSED = 77
    BAD_CONFIGURATION = 78


class SidecarError(Exception):
    """The root of the tree. A message names the thing, what is wrong with it, and what to do."""

    exit_code = ExitCode.INTERNAL


class Transient(SidecarError):
    """The same call may succeed later."""

    exit_code = ExitCode.UNAVAILABLE


class StoreUnavailable(Transient):
    """No etcd endpoint answered within the deadline, or the cluster has no leader."""


class DriverError(Transient):
    """The platform that restarts the process refused, or did not answer. The message says what to do."""


class ReexecFailed(Transient):
    """The sidecar could not re-execute itself; its launcher starts it again."""

    exit_code = ExitCode.OS_ERROR


class Permanent(SidecarError):
    """A retry does not help; someone must change something first."""


class UsageError(Permanent):
    """The command line makes no sense."""

    exit_code = ExitCode.USAGE


class BadConfiguration(Permanent):
    """A setting is missing, malformed, or contradicts another one."""

    exit_code = ExitCode.BAD_CONFIGURATION


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a document.

    ``where`` is a JSON Pointer (RFC 6901; ``""`` is the whole document); ``line`` and ``column`` count from 1
    and are 0 if the place is not known. ``what`` says what is wrong, ``hint`` what to do.
    """

    where: str
    what: str
    hint: str = ""
    line: int = 0
    column: int = 0

    def describe(self, source: str) -> str:
        """Return ``source:line:column: pointer: what; hint`` with the parts that are known."""
        place = f"{source}:{self.line}:{self.column}" if self.line else source
        pointer = f" {self.where}:" if self.where else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}:{pointer} {self.what}{hint}"


class BadFile(Permanent):
    """A configuration file is not valid; ``problems`` holds all that was found, in file order."""

    exit_code = ExitCode.BAD_FILE

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(problem.describe(source) for problem in problems))
        self.source = source
        self.problems = problems


class BadRecord(Permanent):
    """A value in etcd is not what ``docs/reference/etcd-keys.md`` says it must be."""

    exit_code = ExitCode.BAD_FILE

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(problem.describe(source) for problem in problems))
        self.source = source
        self.problems = problems


class UnknownFormat(BadRecord):
    """A value in etcd is in a format that this version cannot read, and must not overwrite."""


class StoreRefused(Permanent):
    """Etcd understood the request and refused it: authentication, permission, or a malformed request."""

    exit_code = ExitCode.UNAVAILABLE


class LeaseLost(Permanent):
    """The lease that the running work depends on has expired or was revoked."""

    exit_code = ExitCode.UNAVAILABLE


class Refused(Permanent):
    """The leader, or a rule of the network, refused the request; the message is the reason."""

    exit_code = ExitCode.REFUSED
