"""``sidecar demo``, whole: on its own etcd, with its own processes, and none of them left behind."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.processes import demo_processes_in
from tests.kit.commands import environment
from tests.kit.etcd import etcd_binary

MAX_RUNS = 3
"""Of that many one must be in time: on a machine at its limit the others may be late, and nothing else."""

TOO_SLOW = re.compile(r"it took [\d.]+ s, longer than|after [\d.]+ s: ")
"""How a complaint begins that is only about the time."""


def run_demo(tmp_path: Path) -> tuple[int, str]:
    """Run the demo: its exit code and all that it printed."""
    found = subprocess.run(
        [sys.executable, "-m", "sidecar", "demo", "--etcd-binary", str(etcd_binary())],
        env=environment(TMPDIR=str(tmp_path)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    return found.returncode, found.stdout + found.stderr


def was_only_slow(text: str) -> bool:
    failures = re.findall(r"^     ✗ .*\n\s+(.*)", text, re.MULTILINE)
    return bool(failures) and all(map(TOO_SLOW.match, failures))


@pytest.mark.timeout(900)  # half a minute each; a machine that is busy takes its time
def test_the_demo_passes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    code, text = run_demo(tmp_path)
    for _ in range(MAX_RUNS - 1):
        if code == 0 or not was_only_slow(text):
            break
        for kept in tmp_path.iterdir():  # the files of one that failed
            shutil.rmtree(kept)
        code, text = run_demo(tmp_path)
    assert code == 0, text
    passed = re.search(r"✓ (\d+) checks passed in ([\d.]+) s", text)
    assert passed is not None, text
    assert int(passed[1]) == text.count("     ✓ ") > 50
    assert "✗" not in text
    assert demo_processes_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
