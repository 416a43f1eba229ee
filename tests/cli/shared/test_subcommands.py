"""Commands with subcommands, which may have modules of their own."""

from __future__ import annotations

import io
from pathlib import Path

from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.subcommands import Subcommand, run_subcommand
from tests.cli.test_main import sidecar_process

LATER = {"check": Subcommand("FILE", "check it", "sidecar.cli.node.check")}


def test_a_subcommand_module_gets_the_arguments_after_its_name(tmp_path: Path) -> None:
    out = io.StringIO()
    context = CommandContext(folder=tmp_path, out=out, err=io.StringIO())

    code = run_subcommand("x", LATER, "", "", ["check", "config.json"], context)

    assert code == 65
    assert str(tmp_path / "config.json") in out.getvalue()


def test_status_screen_is_imported_only_for_a_terminal() -> None:
    code = (
        "import sys\n"
        "from sidecar.cli.main import run_command\n"
        "run_command(['rollout', '--help'])\n"
        "print('loaded', 'sidecar.cli.rollout.status' in sys.modules)\n"
    )
    done = sidecar_process(code=code)

    assert done.stdout.splitlines()[-1] == "loaded False"
    assert "  status " in done.stdout
