"""What is there when a reader opens a document: nothing, an etcd, or a network that runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.sandbox import Sandbox

_APP = "python3 -m http.server"


def nothing(_: Sandbox) -> None:
    """A reader starts from nothing, and the document has all of it."""


def an_etcd(sandbox: Sandbox) -> None:
    """An etcd runs, and there is a file of a first server."""
    sandbox.run("etcd --data-dir etcd-data")
    _file(sandbox, "fed-1", 9000, 9000, 9001, 9002)


def a_network(sandbox: Sandbox) -> None:
    """A network on version 2 of its list: two servers that began it, one that joined, a database node."""
    sandbox.run("etcd --data-dir etcd-data")
    _start(sandbox, "fed-1", 9000, 9180, 9000, 9001)
    _start(sandbox, "fed-2", 9001, 9181, 9000, 9001)
    sandbox.settle()
    _start(sandbox, "fed-3", 9002, 9182, 9000, 9002)
    _start(sandbox, "db-1", 9104, 9185, 9000)
    sandbox.settle()
    sandbox.run("sidecar wait --version 2 --timeout 60")


def a_newcomer(sandbox: Sandbox) -> None:
    """fed-4 asks to join."""
    _start(sandbox, "fed-4", 9004, 9184, 9000, 9004)


def _start(sandbox: Sandbox, name: str, port: int, admin: int, *servers: int) -> None:
    _file(sandbox, name, port, *servers)
    sandbox.run(f"cd ~/{name}")
    options = f"--admin 127.0.0.1:{admin} --health tcp://127.0.0.1:{port}"
    sandbox.run(f"sidecar run {options} -- {_APP} --bind 127.0.0.1 {port}")
    sandbox.run("cd ~")


def _file(sandbox: Sandbox, name: str, port: int, *servers: int) -> None:
    urls = [f"http://localhost:{each}" for each in servers]
    document: dict[str, object] = {"NodeID": name, "FederatedServers": urls}
    path = sandbox.home / name / "config.json"
    if name.startswith("fed"):
        document = {"Mode": "federated", "Port": port, **document}
        path = path.with_name("federated.json")
    sandbox.write(path, json.dumps(document))


@dataclass(frozen=True, slots=True)
class Scene:
    """How a document is played: what is there, what a reader replaces, what happens before some commands."""

    begin: Callable[[Sandbox], None] = a_network
    instead: dict[str, str] = field(default_factory=dict)
    before: dict[str, Callable[[Sandbox], None]] = field(default_factory=dict)
    files: bool = False
    """Whether the reader writes the files that the document shows, into ~/federation."""


_TUTORIAL = Scene(nothing, files=True)
_README = Scene(
    an_etcd,
    instead={
        "~/federation/venv/bin/sidecar": "sidecar",
        "http://10.0.0.5:2379": "http://127.0.0.1:2379",
        "/srv/fed-1": "~/fed-1",
        "java -jar server.jar": f"{_APP} 9000",
    },
)

SCENES: dict[Path, Scene] = {
    Path("docs/tutorial/first-hour.md"): _TUTORIAL,
    Path("README.md"): _README,
    Path("docs/how-to/admission.md"): Scene(before={"sidecar pending": a_newcomer}),
    Path("docs/how-to/editor.md"): Scene(an_etcd),
}
