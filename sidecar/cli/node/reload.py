"""``sidecar reload``: has the sidecar that runs on this state folder executed anew in place."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from sidecar.adapters.files.lock import Holder, read_holder
from sidecar.adapters.processes.pidfd import Pidfd
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import Parser
from sidecar.config.values import seconds
from sidecar.domain.errors import ExitCode, Refused, StoreUnavailable, UsageError

DESCRIPTION = """\
Has the sidecar of this node executed anew, in place: with the settings as they
are now, and the program, which may be a newer one. The process next to it, the
lease and the leadership go on. SIGHUP to the sidecar does the same."""
EPILOG = """\
Exits with 0 when it goes on anew, with 77 when it refuses to (its settings are
wrong), with 69 when it does not within --timeout, or none runs.

example:
  sidecar reload --state-dir /srv/fed-1/.sidecar"""
DEFAULT_TIMEOUT = "70"  # what is being done to the process may take a minute
POLL_INTERVAL = 0.05


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("reload", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--state-dir", metavar="DIR", help="of the sidecar (.sidecar here)")
    parser.add_argument(
        "--timeout", metavar="SECONDS", default=DEFAULT_TIMEOUT, help=f"how long to wait ({DEFAULT_TIMEOUT})"
    )
    arguments = parser.parse(argv)
    named = arguments.state_dir or context.environ.get("SIDECAR_STATE_DIR") or ".sidecar"
    folder = context.folder / named
    try:
        timeout = seconds(0)(arguments.timeout)
    except ValueError as exc:
        raise UsageError(f"--timeout: {exc}") from exc
    holder = read_holder(folder)
    if holder is None:
        raise StoreUnavailable(f"{folder}: no sidecar runs on this folder; name another with --state-dir")
    _send_sighup(holder, folder)
    _wait_for_reload(holder, folder, timeout)
    print(f"the sidecar goes on anew, process {holder.pid}", file=context.out)
    return ExitCode.OK


def _send_sighup(holder: Holder, folder: Path) -> None:
    process = Pidfd.open(holder.pid)
    if process is None:
        raise StoreUnavailable(f"{folder}: its sidecar has another process number here; send it SIGHUP there")
    try:
        # The lock is still its own, so the number held is too.
        if read_holder(folder) == holder:
            process.signal(signal.SIGHUP)
    except PermissionError as exc:
        raise Refused(f"user {os.geteuid()} may not signal process {holder.pid}; run it as its user") from exc
    finally:
        process.close()


def _wait_for_reload(before: Holder, folder: Path, timeout: float) -> None:
    """Return when another life holds the folder. Raises `Refused`, `StoreUnavailable` in the end."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        now = read_holder(folder)
        if now is None:
            raise StoreUnavailable(f"the sidecar, process {before.pid}, has ended; see its log")
        if now.execution_id != before.execution_id:
            return
        if now.refusals != before.refusals:
            raise Refused(f"the sidecar goes on as it is: {now.last_refusal}")
        time.sleep(POLL_INTERVAL)
    raise StoreUnavailable(
        f"the sidecar, process {before.pid}, does not go on anew within {timeout:g} s; see its log"
    )
