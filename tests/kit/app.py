"""The process next to a sidecar: a small HTTP server that keeps a journal of its lives.

    python -I -S app.py FOLDER FILE

FOLDER/behaviour.json, where it is there, is read at each start:

- ``boot``: seconds until it listens            - ``hangs``: it never listens
- ``deaf``: it ignores SIGTERM                  - ``stops_slowly``: seconds from SIGTERM to its end
- ``dies``: the exit code it ends with at once  - ``ends``: the exit code it ends with on SIGTERM
- ``chokes``: a URL with which in FILE it ends at once, with exit code 3

While FOLDER/sick exists it answers 503; where FILE has no Port, FOLDER/up exists while it works instead.
FOLDER/journal gets a line for each thing that happens. Few imports, as it is started hundreds of times.
"""

# ruff: noqa: PTH108, PTH110, PTH118, PTH123 - pathlib takes as long to import as all the rest

import json
import os
import signal
import socket
import sys
import time

folder, file = sys.argv[1], sys.argv[2]


def note(event: str, **fields: object) -> None:
    line = json.dumps({"event": event, "pid": os.getpid(), "at": time.monotonic()} | fields)
    journal = os.open(os.path.join(folder, "journal"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(journal, line.encode() + b"\n")
    os.close(journal)


def behaviour() -> dict[str, float | str]:
    try:
        with open(os.path.join(folder, "behaviour.json")) as found:
            told: dict[str, float | str] = json.load(found)
            return told
    except FileNotFoundError:
        return {}


def serve(port: int) -> None:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    note("listens")  # before it does: nobody is to find it healthy who does not find this
    server.listen()
    while True:
        connection, _ = server.accept()
        with connection:
            connection.settimeout(1)
            try:
                if connection.recv(4096):
                    status = b"503 Sick" if os.path.exists(os.path.join(folder, "sick")) else b"200 OK"
                    connection.sendall(
                        b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status
                    )
            except OSError:
                continue


def main() -> None:
    told = behaviour()
    up = os.path.join(folder, "up")

    def on_sigterm(signum: int, _: object) -> None:
        if os.path.exists(up):
            os.unlink(up)
        note("ends", signal=signal.Signals(signum).name)
        time.sleep(float(told.get("stops_slowly", 0)))
        os._exit(int(told.get("ends", 128 + signum)))

    def on_signal(signum: int, _: object) -> None:
        note("hears", signal=signal.Signals(signum).name)

    for signum in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(signum, on_signal)
    signal.signal(signal.SIGTERM, on_signal if told.get("deaf") else on_sigterm)
    with open(file) as found:
        document = json.load(found)
    note("starts", servers=document["FederatedServers"], parent=os.getppid(), session=os.getsid(0))
    if "dies" in told:
        os._exit(int(told["dies"]))
    if told.get("chokes") in document["FederatedServers"]:
        os._exit(3)
    time.sleep(float(told.get("boot", 0)))
    if "Port" not in document and not told.get("hangs"):
        with open(up, "w"):
            pass
    while told.get("hangs") or "Port" not in document:
        signal.pause()
    serve(document["Port"])


main()
