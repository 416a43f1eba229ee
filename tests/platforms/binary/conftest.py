"""The root file systems that tools/test-binary makes, and the binary that runs in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.kit.prerequisites import require
from tests.platforms.binary.root_filesystems import RootFilesystem

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def binary() -> Path:
    path = PROJECT / "dist" / "sidecar"
    require(path.is_file(), "dist/sidecar; `make binary` builds it")
    require(os.geteuid() == 0, "root, to enter a root file system")
    return path


def _writable(tmp_path: Path) -> Path:
    for name, mode in (("tmp", 0o1777), ("data", 0o777)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    return tmp_path


def _mount_points(root: Path) -> Path:
    for name in ("tmp", "data", "proc", "dev"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("sidecar", "dev/null", "dev/urandom"):
        (root / name).touch()
    return root


@pytest.fixture
def bare(tmp_path: Path, binary: Path) -> RootFilesystem:
    """A machine with nothing at all: no shell, no user, no C library."""
    return RootFilesystem(_mount_points(tmp_path / "bare"), _writable(tmp_path), binary)


@pytest.fixture
def debian(tmp_path: Path, binary: Path) -> RootFilesystem:
    """The oldest Debian that could be installed, without Python."""
    roots = sorted((PROJECT / ".cache" / "roots").glob("*/etc/debian_version"))
    require(bool(roots), "a Debian's root file system; run these tests through tools/test-binary")
    return RootFilesystem(_mount_points(roots[0].parents[1]), _writable(tmp_path), binary)


@pytest.fixture(params=["bare", "debian"])
def machine(request: pytest.FixtureRequest) -> RootFilesystem:
    found = request.getfixturevalue(str(request.param))
    assert isinstance(found, RootFilesystem)
    return found
