"""The two managers of the systemd that tools/test-systemd boots."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.adapters.restart.drivers.systemd import SystemdDriver
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.adapters.restart.saved_state import loaded_record_file
from sidecar.domain.node.process import Backoff
from tests.kit.prerequisites import require
from tests.platforms.systemd.external import NAME, OLD, MakeExternal
from tests.platforms.systemd.managers import Manager


@pytest.fixture(scope="session", autouse=True)
def booted() -> None:
    """These tests install units and kill processes, so they run only in a systemd booted for them."""
    is_booted = Path("/run/systemd/system").is_dir() and b"container=tests" in _init_environment()
    require(is_booted, "a systemd of its own; run them through tools/test-systemd")


def _init_environment() -> bytes:
    try:
        return Path("/proc/1/environ").read_bytes()
    except PermissionError:
        return b""


@pytest.fixture
def system(booted: None) -> Iterator[Manager]:
    """PID 1."""
    manager = Manager("system", Path("/run/systemd/system"))
    yield manager
    manager.clear()


@pytest.fixture(params=["system", "user"])
def manager(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    """PID 1, and the manager of the user that runs the tests."""
    if request.param == "system":
        manager = Manager("system", Path("/run/systemd/system"))
    else:
        uid = os.getuid()
        subprocess.run(["systemctl", "start", f"user@{uid}.service"], check=True, timeout=60)
        monkeypatch.setenv("XDG_RUNTIME_DIR", f"/run/user/{uid}")
        manager = Manager("user", Path(f"/run/user/{uid}/systemd/user"))
    yield manager
    manager.clear()


@pytest.fixture
def make_external(manager: Manager, tmp_path: Path) -> MakeExternal:
    def make(*, restart_timeout: float = 20.0, stop_timeout: float = 10.0) -> ExternalProcess:
        return ExternalProcess(
            SystemdDriver(NAME, scope=manager.scope, stop_timeout=stop_timeout),
            state_file=loaded_record_file(tmp_path / "state"),
            file_servers_at=lambda _: OLD,
            jitter=lambda: 0.5,
            restart_timeout=restart_timeout,
            backoff=Backoff(first=0.2),
        )

    return make
