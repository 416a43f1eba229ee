"""``sidecar gate``: the boot check alone."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar import logs
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import Parser, add_settings, flags_of
from sidecar.config import load
from sidecar.config.table import RUN_SETTINGS
from sidecar.config.values import seconds
from sidecar.domain.errors import ExitCode, UsageError

DESCRIPTION = """\
Checks this node's file once, as `sidecar run` does before it starts anything:
puts the network's list into it, joins where the node is new. For whoever starts
the process only after that: an init container, ExecStartPre=, compose's
service_completed_successfully."""
EPILOG = """\
Exits with 0 when the file is right, with 77 when the node is refused or was
removed, with 69 after --timeout. How the process is restarted is not its task.

example:
  sidecar gate --etcd http://10.0.0.5:2379 && exec java -jar server.jar"""
MAX_TIMEOUT = 86_400.0


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("gate", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--timeout", metavar="SECONDS", help="how long to try (as long as it takes)")
    add_settings(parser, "this node", RUN_SETTINGS)
    add_settings(parser)
    arguments = parser.parse(argv)
    timeout = _parse_timeout(arguments.timeout)
    settings = load(flags_of(arguments), context.environ, context.folder, manages_process=False)
    logs.configure(settings.log_format, settings.log_level, environ=context.environ)
    context.gate(settings, timeout)
    return ExitCode.OK


def _parse_timeout(given: str | None) -> float:
    try:
        return MAX_TIMEOUT if given is None else seconds(0, MAX_TIMEOUT)(given)
    except ValueError as exc:
        raise UsageError(f"--timeout: {exc}") from exc
