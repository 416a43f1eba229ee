"""The process of a node: reads its file once, at start, and serves what it read.

``python -S -E node_app.py FILE`` serves ``/`` on the file's Port as JSON, and writes each start, the moment
from which it serves, and its end into ``FILE.event_log``, one JSON object on each line. The demo reads there
which list a process loaded. It imports only fast parts of the standard library (`http.server` alone would
take longer than all of this).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from typing import Any, NoReturn

CLIENT_TIMEOUT = 1.0
"""Seconds to wait for a client that connects and sends nothing."""


def main(path: str) -> NoReturn:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes 10 ms to import
        loaded = json.load(file)
    event_log = f"{path}.event_log"
    servers = loaded["FederatedServers"]
    answer = {
        "node_id": loaded["NodeID"],
        "FederatedServers": servers,
        "pid": os.getpid(),
        "started_at": time.time(),
        "starts": _starts(event_log) + 1,
    }

    def write(event: str, **more: object) -> None:
        line = json.dumps({"event": event, "at": time.time(), "pid": os.getpid(), **more})
        with open(event_log, "a", encoding="utf-8") as out:  # noqa: PTH123 - as above
            out.write(f"{line}\n")

    def end(*_: object) -> NoReturn:
        write("end")
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    write("start", FederatedServers=servers)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", loaded["Port"]))
        write("serve")  # before it serves, so that a healthy process has always recorded this
        listener.listen()
        _serve(listener, answer)


def _starts(event_log: str) -> int:
    try:
        with open(event_log, encoding="utf-8") as lines:  # noqa: PTH123 - as above
            return sum('"event": "start"' in line for line in lines)
    except FileNotFoundError:
        return 0


def _serve(listener: socket.socket, answer: dict[str, Any]) -> NoReturn:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    response = f"{head}Connection: close\r\n\r\n".encode() + body
    while True:
        client, _ = listener.accept()
        with client:
            client.settimeout(CLIENT_TIMEOUT)
            try:
                # A probe connects and disconnects; a request is answered.
                if client.recv(65536):
                    client.sendall(response)
            except OSError:
                continue


if __name__ == "__main__":
    main(sys.argv[1])
