"""The image: its content, its user, and that it runs in a hardened container."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sidecar import __version__
from tests.kit.waiting import wait_until
from tests.platforms.docker.engine import Container, docker, docker_or_fail

IMAGE = "federation-sidecar:test"
RUNTIME_BASE = "federation-base/python:3.11"

HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none")

# MiB that the image may add to its base; 35 when this was written.
MAX_IMAGE_MB = 50


def run(*command: str) -> str:
    """Run ``command`` of the image in a hardened container; its output."""
    return docker_or_fail("run", "--rm", *HARDENED, IMAGE, *command)


def python(program: str) -> str:
    """Run a Python program in the image; its output."""
    return docker_or_fail("run", "--rm", *HARDENED, "--entrypoint", "python", IMAGE, "-c", program)


def test_it_is_small(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [
        int(docker_or_fail("image", "inspect", "-f", "{{.Size}}", image)) for image in (IMAGE, RUNTIME_BASE)
    ]
    added = (sizes[0] - sizes[1]) / 2**20
    with capsys.disabled():
        print(f"\nthe image adds {added:.1f} MiB to a base of {sizes[1] / 2**20:.1f} MiB")
    assert added < MAX_IMAGE_MB


def test_it_prints_its_version() -> None:
    label = '{{index .Config.Labels "org.opencontainers.image.version"}}'
    assert run("--version") == f"sidecar {__version__}"
    assert docker_or_fail("image", "inspect", "-f", label, IMAGE) == __version__


def test_it_runs_as_user_10001_which_owns_its_volumes() -> None:
    assert docker_or_fail("image", "inspect", "-f", "{{.Config.User}}", IMAGE) == "10001:10001"
    output = python(
        "import os; print(os.getuid(), os.getgid(), *(os.stat(f).st_uid for f in ('/config', '/state')))"
    )
    assert output == "10001 10001 10001 10001"


def test_it_contains_no_installer_and_no_compiler() -> None:
    output = python(
        "import importlib.util, json, shutil;"
        "print(json.dumps([n for n in ('pip', 'setuptools', 'pytest') if importlib.util.find_spec(n)]"
        " + [n for n in ('pip', 'pip3', 'gcc', 'cc', 'make', 'git', 'curl') if shutil.which(n)]))"
    )
    assert json.loads(output) == []


def test_every_module_is_compiled() -> None:
    output = python(
        "import pathlib, sidecar; root = pathlib.Path(sidecar.__file__).parents[1];"
        "print([str(p) for p in root.rglob('*.py')"
        " if not list((p.parent / '__pycache__').glob(p.stem + '.*.pyc'))])"
    )
    assert output == "[]"


def test_every_restart_driver_can_be_imported() -> None:
    output = python(
        "import sidecar.adapters.restart as r, pkgutil, importlib;"
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages(r.__path__, r.__name__ + '.')];"
        "import aiodocker; print('ok')"
    )
    assert output == "ok"


FILE = {
    "Mode": "federated",
    "Port": 9000,
    "NodeID": "fed-1",
    "FederatedServers": ["http://fed-1:9000"],
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder with a valid file that the image's user may write."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "federated.json").write_text(json.dumps(FILE))
    for path in (folder, folder / "federated.json"):
        os.chown(path, 10001, 10001)
    return folder


def test_it_checks_a_mounted_file(config: Path) -> None:
    mounted = ("run", "--rm", *HARDENED, "-v", f"{config}:/config:ro", IMAGE, "check", "federated.json")
    assert docker(*mounted).code == 0
    (config / "federated.json").write_text(json.dumps(FILE | {"FederatedServers": ["gopher://fed-1"]}))
    refused = docker(*mounted)
    assert refused.code == 65
    assert "gopher" in refused.out + refused.err


def test_its_health_check_passes_before_the_boot_check(container: Container, config: Path) -> None:
    container.run(
        *HARDENED, "--health-interval", "1s", "-v", f"{config}:/config", "-v", "/state", image=IMAGE
    )
    wait_until(lambda: container.health == "healthy", "it is healthy")
    # Without etcd the boot check cannot pass, but the sidecar is live.
    assert "startupz" in container.exec_failing("sidecar", "health", "startupz")


def test_docker_stop_stops_it_with_exit_code_0(container: Container, config: Path) -> None:
    container.run(*HARDENED, "-v", f"{config}:/config", "-v", "/state", image=IMAGE)
    wait_until(lambda: "etcd" in container.log, "it has started")
    docker_or_fail("stop", "--time", "20", container.name)
    assert container.state["ExitCode"] == 0
