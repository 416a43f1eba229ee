"""Builds the packages of both distributions, with the locked build tool and no network."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Packages:
    """The wheel and the sdist of one distribution."""

    wheel: Path
    sdist: Path


def build(source: Path, out: Path) -> Packages:
    """Build the distribution in ``source`` into ``out``."""
    wheel = build_wheel(source, out)
    hatchling(source, out, "sdist")
    (sdist,) = out.glob("*.tar.gz")
    return Packages(wheel, sdist)


def build_wheel(source: Path, out: Path) -> Path:
    hatchling(source, out, "wheel")
    (wheel,) = out.glob("*.whl")
    return wheel


def hatchling(source: Path, out: Path, target: str) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(out)]
    done = subprocess.run(command, cwd=source, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack ``sdist`` into ``folder``; return the one folder in it."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (found,) = folder.iterdir()
    return found


def names(wheel: Path) -> set[str]:
    """Return the files in ``wheel``."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel: Path) -> Message:
    """Return what ``wheel`` says about itself."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())
