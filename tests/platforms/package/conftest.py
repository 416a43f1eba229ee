"""Virtual environments that hold what a user installs, and nothing of this checkout."""

from __future__ import annotations

import os
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar import __version__
from tests.release.building import ROOT, build


@dataclass(frozen=True, slots=True)
class Installation:
    """A virtual environment, and an empty folder to run its commands in."""

    venv: Path
    folder: Path

    def run(self, command: str, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, without PYTHON* variables and outside the checkout."""
        environ = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "SIDECAR_"))
        }
        return subprocess.run(
            [self.venv / "bin" / command, *arguments],
            cwd=self.folder,
            env=environ | {"TMPDIR": str(self.folder)},
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def pip(self, *arguments: str) -> None:
        done = self.run("python", "-m", "pip", "install", "--quiet", *arguments, timeout=300)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of both distributions."""
    folder = tmp_path_factory.mktemp("wheels")
    for name, source in (("main", ROOT), ("demo", ROOT / "demo")):
        built = build(source, tmp_path_factory.mktemp(name)).wheel
        built.rename(folder / built.name)
    return folder


def installation(folder: Path, wheels: Path, lock: str, requirement: str) -> Installation:
    """Install ``lock``, then ``requirement`` from ``wheels`` alone."""
    venv.create(folder / "venv", with_pip=True)
    (folder / "work").mkdir()
    made = Installation(folder / "venv", folder / "work")
    made.pip("--require-hashes", "--requirement", str(ROOT / "requirements" / lock))
    made.pip("--no-index", "--find-links", str(wheels), f"{requirement}=={__version__}")
    return made


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Installation:
    """``pip install federation-sidecar``."""
    return installation(tmp_path_factory.mktemp("alone"), wheels, "run.lock", "federation-sidecar")


@pytest.fixture(scope="session")
def with_demo(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Installation:
    """``pip install 'federation-sidecar[demo]'``."""
    return installation(tmp_path_factory.mktemp("demo"), wheels, "demo.lock", "federation-sidecar[demo]")
