"""`sidecar health`: its result for each answer at the address of the admin API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sidecar.cli.node.health import main
from tests.cli.network import Shell


@contextmanager
def answering(status: int, body: str) -> Iterator[tuple[str, list[str | None]]]:
    """A server with that answer: its address, and the Host of each request."""
    hosts: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", hosts
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (200, '{"ready": true, "reasons": []}', 0, "readyz: yes"),
        (
            503,
            '{"ready": false, "reasons": ["no lease", "\\u001b[2Jno file"]}',
            1,
            r"readyz: no: no lease; \x1b[2Jno file",
        ),
        (403, '{"error": "for this machine alone"}', 1, "readyz: no: for this machine alone"),
        (500, "{}", 1, "readyz: no: HTTP 500"),
        (200, "[]", 1, "is not a sidecar"),
        (200, "<html>", 1, "no answer from"),
    ],
)
def test_the_answer_is_printed(status: int, body: str, code: int, message: str) -> None:
    with answering(status, body) as (address, hosts):
        found, out, err = Shell().run(main, "--admin", address, "readyz")
    assert (found, err) == (code, "")
    assert message in out
    # However the machine is called: the API answers this machine alone.
    assert hosts == ["localhost"]
