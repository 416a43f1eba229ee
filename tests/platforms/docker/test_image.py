"""The image: what is in it, who runs it, and that it needs nothing that a hardened container lacks."""

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
    """What the image says in a hardened container."""
    return docker_or_fail("run", "--rm", *HARDENED, IMAGE, *command)


def python(program: str) -> str:
    return docker_or_fail("run", "--rm", *HARDENED, "--entrypoint", "python", IMAGE, "-c", program)


def test_it_is_small(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [
        int(docker_or_fail("image", "inspect", "-f", "{{.Size}}", image)) for image in (IMAGE, RUNTIME_BASE)
    ]
    added = (sizes[0] - sizes[1]) / 2**20
    with capsys.disabled():
        print(f"\nthe image adds {added:.1f} MiB to a base of {sizes[1] / 2**20:.1f} MiB")
    assert added < MAX_IMAGE_MB


def test_it_says_its_version() -> None:
    label = '{{index .Config.Labels "org.opencontainers.image.version"}}'
    assert run("--version") == f"sidecar {__version__}"
    assert docker_or_fail("image", "inspect", "-f", label, IMAGE) == __version__


def test_it_runs_as_nobody_in_particular_who_may_write_only_its_volumes() -> None:
    assert docker_or_fail("image", "inspect", "-f", "{{.Config.User}}", IMAGE) == "10001:10001"
    told = python(
        "import os; print(os.getuid(), os.getgid(), *(os.stat(f).st_uid for f in ('/config', '/state')))"
    )
    assert told == "10001 10001 10001 10001"


def test_there_is_nothing_in_it_to_install_or_compile_with() -> None:
    told = python(
        "import importlib.util, json, shutil;"
        "print(json.dumps([n for n in ('pip', 'setuptools', 'pytest') if importlib.util.find_spec(n)]"
        " + [n for n in ('pip', 'pip3', 'gcc', 'cc', 'make', 'git', 'curl') if shutil.which(n)]))"
    )
    assert json.loads(told) == []


def test_all_of_it_is_compiled_and_a_start_compiles_nothing() -> None:
    told = python(
        "import pathlib, sidecar; root = pathlib.Path(sidecar.__file__).parents[1];"
        "print([str(p) for p in root.rglob('*.py')"
        " if not list((p.parent / '__pycache__').glob(p.stem + '.*.pyc'))])"
    )
    assert told == "[]"


def test_every_way_of_restarting_is_there() -> None:
    told = python(
        "import sidecar.adapters.restart as r, pkgutil, importlib;"
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages(r.__path__, r.__name__ + '.')];"
        "import aiodocker; print('ok')"
    )
    assert told == "ok"


FILE = {
    "Mode": "federated",
    "Port": 9000,
    "NodeID": "fed-1",
    "FederatedServers": ["http://fed-1:9000"],
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder with a file that is right, and that the image's user may write."""
    found = tmp_path / "config"
    found.mkdir()
    (found / "federated.json").write_text(json.dumps(FILE))
    for path in (found, found / "federated.json"):
        os.chown(path, 10001, 10001)
    return found


def test_it_checks_a_file_that_is_mounted(config: Path) -> None:
    mounted = ("run", "--rm", *HARDENED, "-v", f"{config}:/config:ro", IMAGE, "check", "federated.json")
    assert docker(*mounted).code == 0
    (config / "federated.json").write_text(json.dumps(FILE | {"FederatedServers": ["gopher://fed-1"]}))
    refused = docker(*mounted)
    assert refused.code == 65
    assert "gopher" in refused.out + refused.err


def test_its_health_check_says_that_it_lives(container: Container, config: Path) -> None:
    container.run(
        *HARDENED, "--health-interval", "1s", "-v", f"{config}:/config", "-v", "/state", image=IMAGE
    )
    wait_until(lambda: container.health == "healthy", "it is healthy")
    # Without etcd the file cannot be checked: to live is not to be let through.
    assert "startupz" in container.fails("sidecar", "health", "startupz")


def test_it_ends_at_once_when_it_is_told_to(container: Container, config: Path) -> None:
    container.run(*HARDENED, "-v", f"{config}:/config", "-v", "/state", image=IMAGE)
    wait_until(lambda: "etcd" in container.log, "it is up")
    docker_or_fail("stop", "--time", "20", container.name)
    assert container.state["ExitCode"] == 0
