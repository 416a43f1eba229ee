"""`sidecar run` of the binary, on a real etcd, with a process next to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.ports import Ports
from tests.e2e.waiting import wait_until
from tests.etcd import EtcdServer
from tests.platforms.binary.machines import Machine

# It says what it was given, ends with 7 when it is told to, and not before.
APP = "env > /data/env; trap 'exit 7' TERM; echo $$ >> /data/starts; while :; do sleep 0.1; done"


class Running:
    """A sidecar of the binary with `APP` next to it."""

    def __init__(self, machine: Machine, etcd: EtcdServer) -> None:
        ports = Ports()
        self.machine = machine
        self.own = f"http://localhost:{ports.free()}"
        self.file = machine.data / "federated.json"
        document = {"Mode": "federated", "NodeID": "fed-1", "FederatedServers": [self.own]}
        self.file.write_text(json.dumps({**document, "Port": int(self.own.rpartition(":")[2])}))
        for path in (machine.data, self.file):
            os.chown(path, 65534, 65534)
        self.log = (machine.data / "log").open("w+")
        options = ("--etcd", etcd.url, "--network", machine.root.name, "--admin", "off", "--log-format", "json")
        self.process = self.start(*options)

    def start(self, *options: str) -> subprocess.Popen[str]:
        return self.machine.start(
            "run", "--file", "/data/federated.json", "--health", "exec:/bin/true", *options,
            "--", "/bin/sh", "-c", APP,
        )  # fmt: skip
