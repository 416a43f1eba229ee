"""``sidecar run``: the sidecar itself."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar import logs
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import Parser, add_settings, flags_of
from sidecar.config import Settings, load
from sidecar.config.table import DRIVER_SETTINGS, PROCESS_SETTINGS, RUN_SETTINGS
from sidecar.domain.errors import UsageError

DESCRIPTION = """\
Keeps FederatedServers of this node's file the same as the network's, and looks
after COMMAND: starts it, restarts it after a change, never leaves it stopped."""
EPILOG = """\
Each option is also a variable and a key of sidecar.toml (options win, then
variables): --lease-ttl is SIDECAR_LEASE_TTL and lease_ttl, --tls-ca is
SIDECAR_TLS_CA and ca in [tls], --password-file is SIDECAR_AUTH_PASSWORD_FILE
and password_file in [auth]. A password itself: SIDECAR_AUTH_PASSWORD, or there.

example:
  sidecar run --etcd http://10.0.0.5:2379 -- java -jar server.jar"""
DRIVERS_TITLE = (
    "what something else launches: --restart signal, endpoint, docker, kubernetes,\nsystemd, command, itself"
)
COMMAND_HINT = "the command goes behind --, as in `sidecar run -- java -jar server.jar`"


def main(argv: Sequence[str], context: CommandContext) -> int:
    own, command = _split(argv)
    parser = Parser("run", "[OPTION]… [-- COMMAND ARG…]", DESCRIPTION, EPILOG, hint=COMMAND_HINT)
    add_settings(parser, "this node", RUN_SETTINGS)
    add_settings(parser, "the process next to it", PROCESS_SETTINGS)
    add_settings(parser, DRIVERS_TITLE, DRIVER_SETTINGS)
    add_settings(parser)
    flags = flags_of(parser.parse(own)) | {"command": command}

    def settings() -> Settings:
        return load(flags, context.environ, context.folder)

    loaded = settings()
    logs.configure(loaded.log_format, loaded.log_level, environ=context.environ)
    return context.run(loaded, settings)


def _split(argv: Sequence[str]) -> tuple[Sequence[str], tuple[str, ...] | None]:
    """Return the sidecar's own words, and the command behind the first ``--``, None without one."""
    if "--" not in argv:
        return argv, None
    at = argv.index("--")
    command = tuple(argv[at + 1 :])
    if not command:
        raise UsageError(f"nothing stands behind --; {COMMAND_HINT}")
    return argv[:at], command
