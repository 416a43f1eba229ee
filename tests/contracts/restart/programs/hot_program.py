"""A program that restarts itself when it is asked to: the hot-reload endpoint, in Python.

    python -I -S hot_program.py FOLDER FILE ADDRESS_PORT TOKEN_FILE

Behaves as FOLDER/behaviour.json says, and keeps FOLDER/journal, as `tests.kit.app` does; each generation is
a start. While FOLDER/hang exists a restart that was asked for does not get on.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PAUSE = 0.02

folder, file, token_file = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[4])
began = time.time()


def note(event: str, **fields: object) -> None:
    line = json.dumps({"event": event, "pid": os.getpid(), "at": time.monotonic()} | fields)
    journal = os.open(folder / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(journal, line.encode() + b"\n")
    os.close(journal)


def behaviour() -> dict[str, float]:
    path = folder / "behaviour.json"
    told: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
    return told


class Application:
    """One generation after another, each on what the file holds when it begins."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.document: dict[str, Any] = {"state": "restarting", "generation": 0, "FederatedServers": None}

    def live(self) -> None:
        while True:
            told = behaviour()
            loaded = json.loads(file.read_text())
            generation = self.document["generation"] + 1
            note("starts", servers=loaded["FederatedServers"], generation=generation)
            if "dies" in told:
                os._exit(int(told["dies"]))
            self.document = {
                "state": "running",
                "generation": generation,
                "FederatedServers": loaded["FederatedServers"],
            }
            time.sleep(told.get("boot", 0))
            if told.get("hangs"):
                self.asked.wait()
            else:
                self._serve(loaded["Port"])
            self.asked.clear()
            self._close(told)

    def _serve(self, port: int) -> None:
        with socket.create_server(("127.0.0.1", port)) as server:
            server.settimeout(PAUSE)
            note("listens")
            while not self.asked.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    _answer(connection)

    def _close(self, told: dict[str, float]) -> None:
        self.document = self.document | {"state": "restarting"}
        note("ends", signal="POST")
        time.sleep(told.get("stops_slowly", 0))
        while (folder / "hang").exists():
            time.sleep(PAUSE)


def _answer(connection: socket.socket) -> None:
    connection.settimeout(1)
    try:
        if connection.recv(4096):
            status = b"503 Sick" if (folder / "sick").exists() else b"200 OK"
            connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
    except OSError:
        return


class Endpoint(BaseHTTPRequestHandler):
    """The contract of `docs/reference/hot-reload-endpoint.md`."""

    def do_GET(self) -> None:
        if self._allowed():
            self._tell(200)

    def do_POST(self) -> None:
        if self._allowed():
            application.asked.set()
            self._tell(202)

    def _allowed(self) -> bool:
        if self.path != "/hot-reload":
            self.send_error(404)
            return False
        wanted = f"Bearer {token_file.read_text().splitlines()[0]}"
        if not secrets.compare_digest(self.headers.get("Authorization", ""), wanted):
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Bearer")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        return True

    def _tell(self, status: int) -> None:
        document = {"pid": os.getpid(), "startedAt": int(began * 1000), "reason": ""} | application.document
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The journal is enough."""


application = Application()
if behaviour().get("deaf"):
    signal.signal(signal.SIGTERM, lambda signum, _: note("hears", signal=signal.Signals(signum).name))
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
# In the main thread: where it fails, the program ends.
application.live()
