"""A proxy to the Docker engine that a test can disconnect or make unresponsive."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path


class EngineProxy:
    """Forward the socket at ``path`` to the engine's, until it is disconnected."""

    def __init__(self, path: Path, engine: str = "/var/run/docker.sock") -> None:
        self._path = path
        self._engine = engine
        self._ends: list[socket.socket] = []
        self.calls = 0
        """The number of connections so far."""
        self.unresponsive = False
        """Whether new connections get no answer."""
        self.connect()

    def __enter__(self) -> EngineProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    async def is_called_after(self, calls: int) -> bool:
        """Whether there are more connections than ``calls``."""
        return self.calls > calls

    @property
    def host(self) -> str:
        return f"unix://{self._path}"

    def connect(self) -> None:
        """Forward to the engine, again after `disconnect`."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def disconnect(self) -> None:
        """Close all connections and remove the socket, as an engine that stops does."""
        self._path.unlink(missing_ok=True)
        for end in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                self._ends.append(near)
                self.calls += 1
                if self.unresponsive:
                    continue
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._engine)
                self._ends.append(far)
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_forward, args=(one, other), daemon=True).start()


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
