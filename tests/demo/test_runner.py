"""A run of the demo with few steps: failing, interrupted and kept, on a real etcd."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest

from sidecar.domain.errors import BadConfiguration
from sidecar_demo.network import DemoNetwork
from sidecar_demo.runner import FAILED, DemoRunner
from sidecar_demo.steps import Step
from sidecar_demo.steps.final_state import FINAL_STATE
from sidecar_demo.steps.joining import IN_STEP
from tests.demo.processes import demo_processes_in
from tests.kit.commands import environment
from tests.kit.etcd.servers import etcd_binary

SHORT = """
import sys
from sidecar.cli.main import run_command
from sidecar_demo import steps
from sidecar_demo.steps.joining import DATABASE, IN_STEP

steps.STEPS = (IN_STEP,) if "--keep" in sys.argv else (IN_STEP, DATABASE)
sys.exit(run_command(["demo", "--etcd-binary", *sys.argv[1:]]))
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the demo creates its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@contextmanager
def short_demo(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SHORT, str(etcd_binary()), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(PYTHONUNBUFFERED="1", TMPDIR=str(folder)),
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if wanted in line:
            return text
    raise AssertionError(f"{wanted!r} was not printed:\n{text}")


def edit_while_down(network: DemoNetwork) -> None:
    """A file that no sidecar restores: it is missing."""
    node = network.node("fed-2")
    node.stop()
    node.edit(FederatedServers=["http://localhost:6666"])


def test_a_wrong_file_fails_the_demo_and_is_named(temporary: Path) -> None:
    out = StringIO()
    steps = (
        IN_STEP,
        Step("A vandal", "He edits a file while its sidecar is down.", edit_while_down),
        FINAL_STATE,
    )
    code = DemoRunner(out, os.environ, steps, etcd_binary=etcd_binary()).run()
    assert code == FAILED
    text = out.getvalue()
    assert "✗ every file has the same list\n       fed-2's file has http://localhost:6666\n" in text
    assert re.search(r"✗ 1 of \d+ checks failed in ", text)
    assert "shutting down" in text  # the end of fed-2's log
    assert demo_processes_in(temporary) == []
    (kept,) = temporary.iterdir()
    assert (kept / "fed-2" / "sidecar.log").is_file()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_demo_cleans_up(temporary: Path, signum: signal.Signals) -> None:
    with short_demo(temporary) as process:
        read_until(process, "all three run")
        assert len(demo_processes_in(temporary)) >= 7
        process.send_signal(signum)
        assert process.wait(30) == 130
    assert demo_processes_in(temporary) == []
    assert list(temporary.iterdir()) == []


def test_a_kept_network_runs_until_ctrl_c(temporary: Path) -> None:
    with short_demo(temporary, "--keep") as process:
        text = read_until(process, "Ctrl-C stops everything")
        etcd = re.search(r"SIDECAR_ETCD=(\S+)", text)
        assert etcd is not None
        members = subprocess.run(
            [sys.executable, "-m", "sidecar", "members"],
            env=environment(SIDECAR_ETCD=etcd[1], SIDECAR_NETWORK="demo"),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert [line.split()[0] for line in members.stdout.splitlines()[1:]] == [
            "fed-1",
            "fed-2",
            "fed-3",
        ]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert demo_processes_in(temporary) == []
    (kept,) = temporary.iterdir()
    assert (kept / "fed-1" / "federated.json").is_file()


def fail_unexpectedly(_: DemoNetwork) -> None:
    raise ValueError("the event_log makes no sense")


def test_an_exception_in_a_step_is_a_failed_check(temporary: Path) -> None:
    out = StringIO()
    steps = (Step("A fail_unexpectedly", "An unexpected error.", fail_unexpectedly), FINAL_STATE)
    assert DemoRunner(out, os.environ, steps, etcd_binary=etcd_binary()).run() == FAILED
    assert "✗ the demo can continue\n   ValueError: the event_log makes no sense\n" in out.getvalue()
    assert "not finished: A fail_unexpectedly, Every file, side by side" in out.getvalue()
    assert demo_processes_in(temporary) == []


def test_a_missing_etcd_is_reported_before_anything_is_created(temporary: Path) -> None:
    with pytest.raises(BadConfiguration, match="there is no etcd binary"):
        DemoRunner(StringIO(), os.environ, (IN_STEP,), etcd_binary=temporary / "etcd").run()
    assert list(temporary.iterdir()) == []
