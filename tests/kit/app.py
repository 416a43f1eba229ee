"""The process next to a sidecar in the tests: a small HTTP server that logs what happens to it.

    python -I -S app.py FOLDER FILE [ENDPOINT_PORT TOKEN_FILE]

It loads FILE at start, and listens on the Port in it. At each start it also reads FOLDER/behaviour.json, if
there is one:

- ``startup_time``: seconds until it listens        - ``never_listens``: it starts and does not listen
- ``shutdown_time``: seconds from SIGTERM to exit   - ``ignores_sigterm``: it logs SIGTERM and keeps running
- ``exit_at_start``: it exits at once with this     - ``exit_code``: it exits with this on SIGTERM
- ``crash_on``: if FILE lists this URL, it exits at once with 3

While FOLDER/unhealthy exists it answers 503. Without a Port in FILE it creates FOLDER/up while it works.
FOLDER/events gets one line of JSON for each event: started, listening, signalled, stopping.

With ENDPOINT_PORT it also serves the hot-reload endpoint, and restarts itself inside its process on request;
each generation is a start. While FOLDER/hang exists such a restart does not complete.

Few imports, because it is started hundreds of times.
"""

# ruff: noqa: PTH108, PTH110, PTH118, PTH123 - pathlib takes as long to import as all the rest

import json
import os
import signal
import socket
import sys
import time

POLL_INTERVAL = 0.02


class App:
    """The process, over its generations; there is one alone without the endpoint."""

    def __init__(self, folder: str, file: str, *, has_endpoint: bool) -> None:
        self.folder = folder
        self.file = file
        self.has_endpoint = has_endpoint
        self.restart_requested = False
        self.generation = 0
        self.status: dict[str, object] = {"state": "restarting", "generation": 0, "FederatedServers": None}
        self.behaviour = self.read_behaviour()

    def run(self) -> None:
        for signum in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(signum, self.log_signal)
        signal.signal(signal.SIGTERM, self.log_signal if self.behaviour.get("ignores_sigterm") else self.stop)
        while True:
            self.run_generation()

    def run_generation(self) -> None:
        """Load FILE and serve until a restart is requested through the endpoint."""
        self.behaviour = self.read_behaviour()
        with open(self.file) as file:
            document = json.load(file)
        servers = document["FederatedServers"]
        self.log("started", servers=servers, parent=os.getppid(), session=os.getsid(0))
        if "exit_at_start" in self.behaviour:
            os._exit(int(self.behaviour["exit_at_start"]))
        if self.behaviour.get("crash_on") in servers:
            os._exit(3)
        self.generation += 1
        self.status = {"state": "running", "generation": self.generation, "FederatedServers": servers}
        time.sleep(float(self.behaviour.get("startup_time", 0)))
        if not self.behaviour.get("never_listens") and "Port" in document:
            self.serve(document["Port"])
        else:
            self.idle(works=not self.behaviour.get("never_listens"))
        self.restart_requested = False
        self.status = self.status | {"state": "restarting"}
        self.log("stopping", signal="POST")
        time.sleep(float(self.behaviour.get("shutdown_time", 0)))
        while os.path.exists(self.path("hang")):
            time.sleep(POLL_INTERVAL)

    def serve(self, port: int) -> None:
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", port))
            # Before it does: a test that finds it healthy finds this event, too.
            self.log("listening")
            server.listen()
            server.settimeout(POLL_INTERVAL if self.has_endpoint else None)
            while not self.restart_requested:
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    self.answer(connection)

    def answer(self, connection: socket.socket) -> None:
        connection.settimeout(1)
        try:
            if connection.recv(4096):
                status = b"503 Unhealthy" if os.path.exists(self.path("unhealthy")) else b"200 OK"
                connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        except OSError:
            return

    def idle(self, *, works: bool) -> None:
        if works:
            with open(self.path("up"), "w"):
                pass
        while not self.restart_requested:
            if self.has_endpoint:
                time.sleep(POLL_INTERVAL)
            else:
                signal.pause()

    def log_signal(self, signum: int, _: object) -> None:
        self.log("signalled", signal=signal.Signals(signum).name)

    def stop(self, signum: int, _: object) -> None:
        if os.path.exists(self.path("up")):
            os.unlink(self.path("up"))
        self.log("stopping", signal=signal.Signals(signum).name)
        time.sleep(float(self.behaviour.get("shutdown_time", 0)))
        os._exit(int(self.behaviour.get("exit_code", 128 + signum)))

    def log(self, event: str, **details: object) -> None:
        line = json.dumps({"event": event, "pid": os.getpid(), "at": time.monotonic()} | details)
        events = os.open(self.path("events"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(events, line.encode() + b"\n")
        os.close(events)

    def read_behaviour(self) -> dict[str, float | str]:
        try:
            with open(self.path("behaviour.json")) as file:
                behaviour: dict[str, float | str] = json.load(file)
                return behaviour
        except FileNotFoundError:
            return {}

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)


def serve_endpoint(app: App, port: int, token_file: str) -> None:
    """Serve the hot-reload endpoint of `docs/reference/hot-reload-endpoint.md` in a thread."""
    # Imported here, because they take longer than all the rest.
    import secrets  # noqa: PLC0415
    import threading  # noqa: PLC0415
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # noqa: PLC0415

    started_at = int(time.time() * 1000)

    class Endpoint(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.is_allowed():
                self.send_state(200)

        def do_POST(self) -> None:
            if self.is_allowed():
                app.restart_requested = True
                self.send_state(202)

        def is_allowed(self) -> bool:
            if self.path != "/hot-reload":
                self.send_error(404)
                return False
            with open(token_file) as file:
                wanted = f"Bearer {file.readline().strip()}"
            if not secrets.compare_digest(self.headers.get("Authorization", ""), wanted):
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Bearer")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return False
            return True

        def send_state(self, status: int) -> None:
            document = {"pid": os.getpid(), "startedAt": started_at, "reason": ""} | app.status
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The event log is enough."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    app = App(sys.argv[1], sys.argv[2], has_endpoint=len(sys.argv) > 3)
    if app.has_endpoint:
        serve_endpoint(app, int(sys.argv[3]), sys.argv[4])
    app.run()
