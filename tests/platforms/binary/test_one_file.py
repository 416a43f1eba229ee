"""The binary needs nothing from the machine, and behaves as the package does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar import __version__
from tests.kit.certificates import Authority
from tests.kit.etcd.servers import EtcdServer
from tests.platforms.binary.root_filesystems import NOBODY, RootFilesystem

GOOD = {"Mode": "federated", "Port": 9000, "NodeID": "fed-1", "FederatedServers": ["http://localhost:9000"]}


def run_package(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the same command of the Python package."""
    return subprocess.run(
        [sys.executable, "-m", "sidecar", *arguments], cwd=cwd, check=False, capture_output=True, text=True
    )


def test_the_machines_have_no_python(machine: RootFilesystem) -> None:
    names = [path.name for path in machine.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [name for name in names if re.fullmatch(r"python[\d.]*|libpython.*", name)] == []


def test_the_kernel_alone_starts_the_file(binary: Path) -> None:
    headers = subprocess.run(
        ["readelf", "--program-headers", "--dynamic", binary], check=True, capture_output=True, text=True
    ).stdout
    assert "INTERP" not in headers
    assert "NEEDED" not in headers


@pytest.mark.parametrize("user", [NOBODY, "0:0"])
def test_it_runs_if_only_tmp_is_writable(machine: RootFilesystem, user: str) -> None:
    done = machine.run("--version", user=user)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"sidecar {__version__}\n", "")
    assert len(machine.unpacked()) == 1


@pytest.mark.parametrize("command", ["run", "check", "members", "servers", "leader", "removed", "remove"])
def test_every_command_prints_the_help_of_the_package(bare: RootFilesystem, command: str) -> None:
    done = bare.run(command, "--help")
    expected = run_package(command, "--help", cwd=bare.data)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected.stdout, expected.stderr)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (json.dumps(GOOD), 0),
        (json.dumps(GOOD | {"Port": 70000}), 65),
        (json.dumps(GOOD | {"FederatedServers": ["http://localhost:9000", "localhost"]}), 65),
        ("{", 65),
    ],
)
def test_check_uses_the_packed_schemas(machine: RootFilesystem, text: str, code: int) -> None:
    file = machine.data / "federated.json"
    file.write_text(text)
    done = machine.run("check", "/data/federated.json")
    expected = run_package("check", str(file), cwd=machine.data)
    assert (done.returncode, expected.returncode) == (code, code)
    assert done.stdout == expected.stdout.replace(str(machine.data), "/data")
    assert done.stderr == expected.stderr.replace(str(machine.data), "/data")


def test_it_trusts_the_given_ca_or_those_of_the_machine(bare: RootFilesystem, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "certificates")
    pair = authority.issue("etcd")
    (bare.data / "ca.pem").write_bytes(authority.cert.read_bytes())
    server = EtcdServer(
        tmp_path / "etcd", "--cert-file", str(pair.cert), "--key-file", str(pair.key), scheme="https"
    )
    try:
        server.start()
        servers = ("servers", "--etcd", server.url)
        assert bare.run(*servers, "--tls-ca", "/data/ca.pem").returncode == 0

        refused = bare.run(*servers)
        assert refused.returncode != 0
        assert "certificate" in refused.stderr

        # Where Fedora keeps its CA certificates.
        bundle = bare.root / "etc/pki/tls/certs/ca-bundle.crt"
        bundle.parent.mkdir(parents=True)
        bundle.write_bytes(authority.cert.read_bytes())
        trusted = bare.run(*servers)
        assert trusted.returncode == 0, trusted.stderr
    finally:
        server.kill()


def test_the_demo_needs_the_package(bare: RootFilesystem) -> None:
    done = bare.run("demo")
    assert done.returncode == 64
    assert "pip install 'federation-sidecar[demo]'" in done.stderr
