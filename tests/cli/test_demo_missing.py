"""An installation of the sidecar alone: the command exists, and says how to install the demo."""

from __future__ import annotations

from tests.cli.test_main import sidecar_process

WITHOUT_DEMO = """\
import sys
sys.modules["sidecar_demo"] = None
from sidecar.cli.main import run_command
sys.exit(run_command(sys.argv[1:]))
"""


def test_without_the_demo_it_says_what_to_install() -> None:
    done = sidecar_process("demo", code=WITHOUT_DEMO)

    assert done.returncode == 64
    assert "pip install 'federation-sidecar[demo]'" in done.stderr


def test_without_the_demo_its_help_is_shown() -> None:
    done = sidecar_process("demo", "--help", code=WITHOUT_DEMO)

    assert (done.returncode, done.stderr) == (0, "")
    assert "--keep" in done.stdout
