"""The whole ``sidecar demo``: it runs on its own etcd, and leaves no process behind."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.processes import demo_processes_in
from tests.kit.commands import environment
from tests.kit.etcd.servers import etcd_binary

MAX_RUNS = 3
"""On a busy machine a run may be late; one of this many has to be in time."""

TOO_SLOW = re.compile(r"it took [\d.]+ s, longer than|after [\d.]+ s: ")
"""The beginning of a failure that is only about time."""


def run_demo(tmp_path: Path) -> tuple[int, str]:
    """Run the demo; its exit code and its output."""
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


@pytest.mark.timeout(900)  # half a minute each, and longer on a busy machine
def test_the_demo_passes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    code, text = run_demo(tmp_path)
    for _ in range(MAX_RUNS - 1):
        if code == 0 or not was_only_slow(text):
            break
        for kept in tmp_path.iterdir():  # the files of a failed run
            shutil.rmtree(kept)
        code, text = run_demo(tmp_path)
    assert code == 0, text
    passed = re.search(r"✓ (\d+) checks passed in ([\d.]+) s", text)
    assert passed is not None, text
    assert int(passed[1]) == text.count("     ✓ ") > 50
    assert "✗" not in text
    assert demo_processes_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
