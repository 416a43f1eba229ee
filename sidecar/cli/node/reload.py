"""``sidecar reload``: re-executes the sidecar of a state directory in place."""

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
Re-executes the sidecar of this node in place, with its current settings and the
installed program, which may be newer. The process keeps running, and the node
keeps its lease and leadership. SIGHUP to the sidecar does the same."""
EPILOG = """\
Exits with 0 once the sidecar has re-executed, with 77 if it rejects its new
settings, with 69 if it does not respond within --timeout or does not run.

example:
  sidecar reload --state-dir /srv/fed-1/.sidecar"""
DEFAULT_TIMEOUT = "70"  # a restart that is under way may take a minute
POLL_INTERVAL = 0.05


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("reload", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument(
        "--state-dir", metavar="DIR", help="state directory of the sidecar (default: .sidecar)"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        default=DEFAULT_TIMEOUT,
        help=f"time to wait (default: {DEFAULT_TIMEOUT})",
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
        raise StoreUnavailable(
            f"{folder}: no sidecar runs with this state directory; name another with --state-dir"
        )
    _send_sighup(holder, folder)
    _wait_for_reload(holder, folder, timeout)
    print(f"sidecar re-executed (pid {holder.pid})", file=context.out)
    return ExitCode.OK


def _send_sighup(holder: Holder, folder: Path) -> None:
    process = Pidfd.open(holder.pid)
    if process is None:
        raise StoreUnavailable(
            f"{folder}: the sidecar runs in another PID namespace; run `sidecar reload` there"
        )
    try:
        # It still holds the lock, so the PID is still its own.
        if read_holder(folder) == holder:
            process.signal(signal.SIGHUP)
    except PermissionError as exc:
        raise Refused(
            f"user {os.geteuid()} may not signal process {holder.pid}; run this as its user"
        ) from exc
    finally:
        process.close()


def _wait_for_reload(before: Holder, folder: Path, timeout: float) -> None:
    """Return once another execution holds the folder. Raises `Refused`, or `StoreUnavailable` in the end."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        now = read_holder(folder)
        if now is None:
            raise StoreUnavailable(f"the sidecar (pid {before.pid}) has ended; see its log")
        if now.execution_id != before.execution_id:
            return
        if now.refusals != before.refusals:
            raise Refused(f"the sidecar rejected the new settings and keeps the old ones: {now.last_refusal}")
        time.sleep(POLL_INTERVAL)
    raise StoreUnavailable(
        f"the sidecar (pid {before.pid}) did not re-execute within {timeout:g} s; see its log"
    )
