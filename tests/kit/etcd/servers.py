"""Real etcd servers for the tests: alone or as a cluster, stopped, frozen, restarted in place."""

from __future__ import annotations

import http.client
import json
import os
import signal
from pathlib import Path
from typing import Any

from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.domain.records.store import Revision
from sidecar_demo.embedded_etcd import EmbeddedEtcd, find_binary, supports
from tests.kit.ports import ETCD_PORTS, PortPool

# Elections within a fraction of a second, and with them leases as short as one second.
_QUICK = ("--heartbeat-interval", "50", "--election-timeout", "250")

# Held for as long as the tests run: a test may start its etcd again after others have asked for ports.
_PORTS = PortPool(ETCD_PORTS)


def etcd_binary() -> Path:
    """The etcd that the tests run on: ``ETCD`` (a path or a name), else as the product finds its own."""
    return find_binary(os.environ.get("ETCD") or None)


class EtcdServer(EmbeddedEtcd):
    """An etcd that a test can do things to."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        name: str = "etcd",
        scheme: str = "http",
        peer_port: int | None = None,
        cluster: str | None = None,
    ) -> None:
        binary = etcd_binary()
        unsafe = ("--unsafe-no-fsync",) if supports(binary, "--unsafe-no-fsync") else ()
        super().__init__(
            binary,
            folder,
            name=name,
            scheme=scheme,
            peer_port=peer_port,
            cluster=cluster,
            options=(*_QUICK, *unsafe, *options),
            new_port=_PORTS.take,
        )

    def restart(self) -> None:
        """Stop it and start it again on the same data and port."""
        self.stop()
        self.start()

    def suspend(self) -> None:
        """Stop it from running; the kernel still accepts connections for it."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run again."""
        self.process.send_signal(signal.SIGCONT)

    def call_api(self, path: str, *, token: str = "", **body: object) -> Any:
        """POST to the gateway in the clear, as an operator's tool would; fails on an HTTP error."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"Authorization": token} if token else {}
            connection.request("POST", f"/v3/{path}", json.dumps(body), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            assert response.status == 200, f"{path}: {answer}"
            return answer
        finally:
            connection.close()

    def compact(self, revision: Revision) -> None:
        """Forget the history before ``revision``."""
        self.call_api("kv/compaction", revision=revision, physical=True)

    def store(self, *others: str, **settings: Any) -> EtcdStore:
        """A store on this server, and on the endpoints ``others``."""
        return EtcdStore(EtcdSettings((self.url, *others), **settings))


class EtcdCluster:
    """Several etcd servers that are one."""

    def __init__(self, folder: Path, size: int = 3) -> None:
        ports = {f"m{number}": _PORTS.take() for number in range(size)}
        peers = ",".join(f"{name}=http://127.0.0.1:{port}" for name, port in ports.items())
        self.members = [
            EtcdServer(folder, name=name, peer_port=port, cluster=peers) for name, port in ports.items()
        ]

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(member.url for member in self.members)

    def start(self) -> None:
        """Start all members and wait until each serves."""
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait_healthy()

    def stop(self) -> None:
        """Kill all members; their data is not needed again."""
        for member in self.members:
            member.kill()
