"""``sidecar gate``: the boot check alone."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar import logs
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import Parser, add_config_option, add_settings, flags_of
from sidecar.config import load
from sidecar.config.table import ADMIN_API, ETCD, HEALTH, LOGGING, MEMBERSHIP, NODE_FILE, PROCESS
from sidecar.config.values import seconds
from sidecar.domain.errors import ExitCode, UsageError

DESCRIPTION = """\
Checks this node's file once, as `sidecar run` does before it launches anything:
writes the network's list into it, and joins the network if the node is new. Run
it before something else starts the process: in an init container, in
ExecStartPre=, or with compose's service_completed_successfully."""
EPILOG = """\
Exits with 0 when the file is right, with 77 when the node is refused or was
removed, with 69 after --timeout. Options of `sidecar run` for the process, its
health and the admin API are accepted, and have no effect.

example:
  sidecar gate --etcd http://10.0.0.5:2379 && exec java -jar server.jar"""
MAX_TIMEOUT = 86_400.0


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("gate", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--timeout", metavar="SECONDS", help="time to keep trying (default: no limit)")
    add_config_option(parser)
    add_settings(parser, (ETCD, NODE_FILE, MEMBERSHIP, LOGGING))
    add_settings(parser, (PROCESS, HEALTH, ADMIN_API), hidden=True)
    arguments = parser.parse(argv)
    timeout = _parse_timeout(arguments.timeout)
    settings = load(flags_of(arguments), context.environ, context.folder, manages_process=False)
    logs.configure(settings.logging.format, settings.logging.level, environ=context.environ)
    context.gate(settings, timeout)
    return ExitCode.OK


def _parse_timeout(given: str | None) -> float:
    try:
        return MAX_TIMEOUT if given is None else seconds(0, MAX_TIMEOUT)(given)
    except ValueError as exc:
        raise UsageError(f"--timeout: {exc}") from exc
