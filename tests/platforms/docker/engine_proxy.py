"""A proxy to the Docker engine that a test can cut, or leave without an answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path


class EngineProxy:
    """A socket at ``path`` that leads to the engine's, until it is cut."""

    def __init__(self, path: Path, engine: str = "/var/run/docker.sock") -> None:
        self._path = path
        self._engine = engine
        self._ends: list[socket.socket] = []
        self.calls = 0
        """How often somebody has connected."""
        self.unresponsive = False
        """Whether whoever calls from now on gets no answer."""
        self.listen()

    def __enter__(self) -> EngineProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    async def is_called_after(self, calls: int) -> bool:
        """Whether somebody has connected since there were so many ``calls``."""
        return self.calls > calls

    @property
    def host(self) -> str:
        return f"unix://{self._path}"

    def listen(self) -> None:
        """Lead to the engine, again."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Break off all that is said, and be gone: as an engine that was stopped."""
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
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
