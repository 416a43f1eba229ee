"""Write requirements/*.lock: every dependency at one version, with the sha256 of each of its files.

``tools/lock.py [--upgrade]``. The ranges are in pyproject.toml and demo/pyproject.toml. A locked version that
is still in range stays, unless ``--upgrade`` is given, as `make lock` does. The locks are valid on every
supported Python, except binary.lock, which is for the interpreter inside the binary. They name no package
index: pip uses the configured one.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
UV = ROOT / ".cache" / "uv"
OWN = ("federation-sidecar", "federation-sidecar-demo")
# Without setuptools, which pbr needs only for builds.
BINARY = (
    *("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28", "--only-binary", ":all:"),
    *("--no-emit-package", "setuptools"),
)
EVERY_PYTHON = ("--python-version", "3.11", "--universal")


def ranges() -> dict[str, list[str]]:
    """Return the requirements of each lock, in the order in which the locks are written."""
    main, demo = _project(ROOT), _project(ROOT / "demo")
    run, extras = main["dependencies"], main["optional-dependencies"]
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text())
    build = [
        *whole["build-system"]["requires"],
        "editables",
    ]  # hatchling requires it for an editable installation
    locks = {
        "dev": [*run, *extras["docker"], *extras["dev"], *demo["dependencies"], *build],
        "build": build,
        "run": run,
        "docker": [*run, *extras["docker"]],
        "demo": [*run, *demo["dependencies"]],
        "binary": run,
        "release": whole["dependency-groups"]["release"],
    }
    if "docs" in extras:
        locks["docs"] = [*run, *extras["docs"]]
    return {name: [one for one in wanted if _name(one) not in OWN] for name, wanted in locks.items()}


def _project(folder: Path) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return found


def _name(requirement: str) -> str:
    named = re.match(r"[\w.-]+", requirement)
    return named[0] if named else ""


def _uv() -> Path:
    program = UV / "bin" / "uv"
    if not program.exists():
        venv.create(UV, with_pip=True)
        locked = LOCKS / "release.lock"
        what = ["--require-hashes", "--requirement", locked] if locked.exists() else ["uv"]
        subprocess.run([UV / "bin" / "python", "-m", "pip", "install", "--quiet", *what], check=True)
    return program


def _environment() -> dict[str, str]:
    """Return the environment of uv, which does not read pip's settings."""
    environ = dict(os.environ)
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=False, capture_output=True, text=True
    )
    for option, variable in (("index-url", "UV_DEFAULT_INDEX"), ("extra-index-url", "UV_INDEX")):
        configured = re.search(rf"^(?:global|install|:env:)\.{option}='(.*)'$", asked.stdout, re.MULTILINE)
        if configured:
            environ.setdefault(variable, configured[1])
    return environ


def write(name: str, wanted: Sequence[str], upgrade: bool) -> None:
    """Write ``requirements/NAME.lock``. All but dev.lock take their versions from that one."""
    lock = LOCKS / f"{name}.lock"
    with tempfile.TemporaryDirectory() as folder:
        ranges = Path(folder, f"{name}.in")
        ranges.write_text("\n".join(wanted) + "\n")
        constraints = [] if name == "dev" else ["--constraint", str(LOCKS / "dev.lock")]
        subprocess.run(
            [
                *(_uv(), "pip", "compile", "--quiet", "--generate-hashes"),
                *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
                *("--output-file", lock, *constraints, *(["--upgrade"] if upgrade else [])),
                *(BINARY if name == "binary" else EVERY_PYTHON),
                ranges,
            ],
            check=True,
            env=_environment(),
            stdout=subprocess.DEVNULL,
        )
    lock.write_text(
        f"# Written by `make lock`, for {name}; the ranges are in pyproject.toml.\n" + lock.read_text()
    )


def main() -> int:
    """Write every lock; return the exit code."""
    parser = argparse.ArgumentParser("tools/lock.py", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest version in range")
    asked = parser.parse_args()
    for name, wanted in ranges().items():
        write(name, wanted, asked.upgrade)
        count = len(re.findall(r"^[\w.-]+==", (LOCKS / f"{name}.lock").read_text(), re.MULTILINE))
        print(f"requirements/{name}.lock: {count} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
