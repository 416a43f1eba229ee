"""One sidecar a state folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.adapters.files.lock import Holder, locked, read_holder, write_holder
from sidecar.domain.errors import BadConfiguration

HOLDER = """
import sys
from pathlib import Path
from sidecar.adapters.files.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def refusal(folder: Path) -> str:
    with pytest.raises(BadConfiguration) as caught, locked(folder):
        pass
    return str(caught.value)


def test_a_second_sidecar_gets_an_error_with_a_remedy(tmp_path: Path) -> None:
    with locked(tmp_path / "state"):
        assert "--state-dir" in refusal(tmp_path / "state")
    with locked(tmp_path / "state"):
        pass


def test_a_refusal_that_is_too_long_is_shortened(tmp_path: Path) -> None:
    with locked(tmp_path) as lock:
        write_holder(lock, Holder(7, "execution-1", 1, "ü" * 10_000))
        holder = read_holder(tmp_path)
        assert holder is not None
        assert (holder.pid, holder.execution_id, holder.refusals) == (7, "execution-1", 1)
        assert holder.last_refusal.startswith("üüü")
        assert holder.last_refusal.endswith("ü...")


def test_a_killed_holder_leaves_nothing_behind(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BadConfiguration, match="another sidecar"), locked(tmp_path):
            pass
        holder.kill()
        holder.wait()
        with locked(tmp_path):
            pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadConfiguration, match="file/state"), locked(tmp_path / "file" / "state"):
        pass
