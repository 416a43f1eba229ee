"""What the wheels and sdists hold. tests/platforms/package installs them and tries them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar import __version__
from tests.release.building import ROOT, Packages, build, build_wheel, metadata, names, unpack


@pytest.fixture(scope="module")
def main(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return build(ROOT, tmp_path_factory.mktemp("main"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return build(ROOT / "demo", tmp_path_factory.mktemp("demo"))


def sources(package: Path) -> set[str]:
    """Return the files of ``package``, relative to the folder it is in."""
    files = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(package.parent)) for path in files}


def contents(wheel: Path) -> set[str]:
    return {name for name in names(wheel) if ".dist-info/" not in name}


def test_the_wheel_holds_the_sidecar_and_its_schemas_alone(main: Packages) -> None:
    schemas = {f"sidecar/schemas/{path.name}" for path in (ROOT / "schemas").iterdir()}
    assert any(name.endswith("federated.schema.json") for name in schemas)
    assert contents(main.wheel) == sources(ROOT / "sidecar") | schemas


def test_the_wheel_of_the_demo_holds_the_demo_alone(demo: Packages) -> None:
    assert contents(demo.wheel) == sources(ROOT / "demo" / "sidecar_demo")


@pytest.mark.parametrize("which", ["main", "demo"])
def test_the_sdist_builds_the_same_wheel(which: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    built: Packages = request.getfixturevalue(which)
    again = build_wheel(unpack(built.sdist, tmp_path / "source"), tmp_path / "out")
    assert again.name == built.wheel.name
    assert again.read_bytes() == built.wheel.read_bytes()


def test_both_have_the_version_and_require_each_other(main: Packages, demo: Packages) -> None:
    assert (metadata(main.wheel)["Version"], metadata(demo.wheel)["Version"]) == (__version__, __version__)
    assert f"federation-sidecar=={__version__}" in metadata(demo.wheel).get_all("Requires-Dist", [])
    extra = f"federation-sidecar-demo=={__version__}; extra == 'demo'"
    assert extra in metadata(main.wheel).get_all("Requires-Dist", [])


def test_both_carry_the_licence(main: Packages, demo: Packages) -> None:
    assert (ROOT / "demo/LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    for built in (main, demo):
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names(built.wheel))
