"""``sidecar run``: the sidecar itself."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar import logs
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import Parser, add_config_option, add_settings, flags_of
from sidecar.config import Settings, load
from sidecar.config.table import ALL_GROUPS
from sidecar.domain.errors import UsageError

DESCRIPTION = """\
Keeps FederatedServers in this node's file in sync with the network. Launches
COMMAND, restarts it after a change of the list, and keeps it running."""
EPILOG = """\
Each option is also an environment variable and a key of sidecar.toml. Options
override variables, and variables override the file. --lease-ttl is
SIDECAR_LEASE_TTL and lease_ttl; --tls-ca is SIDECAR_TLS_CA and ca in [tls];
--password-file is SIDECAR_AUTH_PASSWORD_FILE and password_file in [auth]. The
password itself has no option: set SIDECAR_AUTH_PASSWORD, or password in [auth].

example:
  sidecar run --etcd http://10.0.0.5:2379 -- java -jar server.jar"""
COMMAND_HINT = "write the command after --, as in `sidecar run -- java -jar server.jar`"


def main(argv: Sequence[str], context: CommandContext) -> int:
    own, command = _split(argv)
    parser = Parser("run", "[OPTION]… [-- COMMAND ARG…]", DESCRIPTION, EPILOG, hint=COMMAND_HINT)
    add_config_option(parser)
    add_settings(parser, ALL_GROUPS)
    flags = flags_of(parser.parse(own)) | {"command": command}

    def settings() -> Settings:
        return load(flags, context.environ, context.folder)

    loaded = settings()
    logs.configure(loaded.logging.format, loaded.logging.level, environ=context.environ)
    return context.run(loaded, settings)


def _split(argv: Sequence[str]) -> tuple[Sequence[str], tuple[str, ...] | None]:
    """Return the options of the sidecar, and the command after the first ``--``; None without one."""
    if "--" not in argv:
        return argv, None
    at = argv.index("--")
    command = tuple(argv[at + 1 :])
    if not command:
        raise UsageError(f"the command after -- is missing; {COMMAND_HINT}")
    return argv[:at], command
