"""A sidecar and the commands on an etcd that wants TLS, a client certificate, and a user with a password."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.kit.certificates import Authority, KeyPair
from tests.kit.commands import CommandResult, run_sidecar
from tests.kit.etcd.servers import EtcdServer
from tests.kit.node import Node
from tests.kit.ports import PortPool
from tests.kit.waiting import wait_until

PASSWORD = "correct horse"


@dataclass(frozen=True, slots=True)
class Secured:
    """The etcd, and the way in."""

    etcd: EtcdServer
    ca: Path
    client: KeyPair
    authority: Authority

    def ask(self, path: str, **body: object) -> None:
        pair = (str(self.client.cert), str(self.client.key))
        url = f"{self.etcd.url}/v3/{path}"
        requests.post(url, json=body, verify=str(self.ca), cert=pair, timeout=10).raise_for_status()


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    authority = Authority(tmp_path / "pki")
    server = authority.issue("server")
    etcd = EtcdServer(
        tmp_path / "etcd",
        *("--cert-file", str(server.cert), "--key-file", str(server.key)),
        *("--trusted-ca-file", str(authority.cert), "--client-cert-auth"),
        scheme="https",
    )
    try:
        etcd.start()
        found = Secured(etcd, authority.cert, authority.issue("client", common_name=False), authority)
        for user in ("root", "sidecar"):
            found.ask("auth/user/add", name=user, password=PASSWORD)
            found.ask("auth/role/add", name=user)
            found.ask("auth/user/grant", user=user, role=user)
        own = {"key": b64encode(b"/federation/").decode(), "range_end": b64encode(b"/federation0").decode()}
        found.ask("auth/role/grant", name="sidecar", perm={"permType": "READWRITE", **own})
        found.ask("auth/enable")
        yield found
    finally:
        etcd.kill()


def settings(secured: Secured, folder: Path) -> tuple[str, ...]:
    """The way in, as a sidecar.toml; the password in a file of its own."""
    (folder / "password").write_text(PASSWORD + "\n")
    (folder / "sidecar.toml").write_text(
        f'etcd = ["{secured.etcd.url}"]\nlease_ttl = 5\nlog_format = "json"\n'
        f'[tls]\nca = "{secured.ca}"\ncert = "{secured.client.cert}"\nkey = "{secured.client.key}"\n'
        '[auth]\nuser = "sidecar"\npassword_file = "password"\n'
    )
    return ("--config", str(folder / "sidecar.toml"))


def test_a_server_joins_runs_and_can_be_inspected(secured: Secured, tmp_path: Path) -> None:
    ports = PortPool()
    port, admin = ports.take(), f"127.0.0.1:{ports.take()}"
    folder = tmp_path / "fed-1"
    folder.mkdir()
    url = f"http://localhost:{port}"
    document = {"Mode": "federated", "Port": port, "NodeID": "fed-1", "FederatedServers": [url]}
    (folder / "federated.json").write_text(json.dumps(document))
    way_in = settings(secured, folder)
    node = Node("fed-1", folder, folder / "federated.json", url, admin, way_in)
    node.start("--admin", admin)
    try:
        wait_until(lambda: node.status.get("phase") == "running", "fed-1 running behind TLS")
        found = run_sidecar("members", "--json", *way_in, folder=tmp_path)
        assert [(each["node_id"], each["phase"]) for each in json.loads(found.out)] == [("fed-1", "running")]
        # Longer than the lease of 5 s: its keep-alive goes through as well.
        term, began = leader(way_in, tmp_path), time.monotonic()
        wait_until(lambda: time.monotonic() > began + 8, "eight seconds")
        assert leader(way_in, tmp_path) == term
        refused = run_sidecar("servers", "--etcd", secured.etcd.url, folder=tmp_path)
        assert refused.code == 69
        assert "certificate" in refused.err
    finally:
        node.sidecar.terminate()
        node.sidecar.wait(15)
        ports.close()
    assert PASSWORD not in node.log_text()


def test_a_wrong_password_is_reported(secured: Secured, tmp_path: Path) -> None:
    way_in = settings(secured, tmp_path)
    (tmp_path / "password").write_text("wrong")
    found: CommandResult = run_sidecar("servers", *way_in, folder=tmp_path)
    assert found.code == 69
    assert "password" in found.err
    assert "wrong" not in found.err.replace("wrong password", "")


def test_a_client_certificate_with_a_name_is_warned_about(secured: Secured, tmp_path: Path) -> None:
    named = secured.authority.issue("named")
    way_in = settings(secured, tmp_path)
    options = ("--tls-cert", str(named.cert), "--tls-key", str(named.key))
    found = run_sidecar("servers", *way_in, *options, folder=tmp_path)
    assert found.code == 69
    assert "without a Common Name" in found.err


def leader(way_in: tuple[str, ...], folder: Path) -> object:
    return json.loads(run_sidecar("leader", "--json", *way_in, folder=folder).out)
