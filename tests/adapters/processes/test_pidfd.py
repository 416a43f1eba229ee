from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

OLD = """
import os
from pathlib import Path
def refused(pid): raise OSError(38, "Function not implemented")
{change}
from sidecar.adapters.processes.launch import Command
from sidecar.adapters.restart.child import Child
from sidecar.domain.errors import BadConfiguration
try:
    Child(Command(("true",)), folder=Path("state"), jitter=lambda: 0.5)
except BadConfiguration as exc:
    print(exc)
"""


def test_a_machine_without_pidfd_is_a_clear_error(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    for change in ("del os.pidfd_open", "os.pidfd_open = refused"):
        argv = [sys.executable, "-c", OLD.format(change=change)]
        said = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout
        assert "needs Linux 5.3 or newer" in said
