"""What the tests of files share."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sidecar.adapters.files.config_file import LocalFile
from sidecar.domain.identity import Role
from tests.kit.prerequisites import require

DATA = Path(__file__).parents[2] / "data"
NOBODY = 65534


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def root() -> None:
    """For tests that change the owner of files, and act as another user."""
    require(os.geteuid() == 0, "to be root")


@pytest.fixture
def path() -> Iterator[Path]:
    """The owner's file in a folder that every user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(shutil.copy(DATA / "fed-1" / "federated.json", folder))


@pytest.fixture
def file(path: Path) -> LocalFile:
    return LocalFile(path, Role.FEDERATED)


@contextmanager
def as_nobody() -> Iterator[None]:
    """What runs inside is a user who may do little."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
