"""``sidecar demo``, whole: on its own etcd, with its own processes, and none of them left behind."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo_processes import started_in
from tests.e2e.node import environment
from tests.etcd import etcd_binary


@pytest.mark.timeout(300)  # half a minute; a machine that is busy takes its time
def test_the_demo_passes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "sidecar", "demo", "--etcd-binary", str(etcd_binary())],
        env=environment(TMPDIR=str(tmp_path)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    text = found.stdout + found.stderr
    assert found.returncode == 0, text
    passed = re.search(r"✓ (\d+) checks passed in ([\d.]+) s", text)
    assert passed is not None, text
    assert int(passed[1]) == text.count("     ✓ ") > 50
    assert "✗" not in text
    assert started_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
