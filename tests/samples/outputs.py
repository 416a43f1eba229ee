"""What scripts read: the JSON of the commands and of the admin API, and the metrics.

Sentences are not part of a format: a text with a blank in it is kept as ``"..."``, and so is the version of
the sidecar; a time of day is kept as 0.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

from sidecar import __version__
from sidecar.admin.endpoints import STATUS_FORMAT, full_status, prometheus
from sidecar.cli.shared.output import OUTPUT_FORMAT
from sidecar.domain.identity import Role
from sidecar.domain.node.status import Counters
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.formats import Formats
from sidecar.domain.records.membership import Tombstone
from sidecar.domain.records.policy import Admission, Policy
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.rollout import Grant
from sidecar.domain.records.tokens import TokenRecord
from sidecar.domain.servers import NodeID, ServerUrl
from tests.admin.statuses import RUNNING
from tests.cli.network import KEYS, ONE, TWO, Shell, canonical
from tests.cli.rollout.records import in_step, rolling
from tests.samples.sample import Sample

FOUR = ServerUrl.parse("http://localhost:9003")
STATUS = replace(RUNNING, rollout_block="paused: until tomorrow", counters=Counters(1, 2, 3, 4, 5, 6, 7))
NETWORK: dict[str, Record] = in_step() | {
    KEYS.policy: Policy(Admission.MANUAL),
    KEYS.history(4): canonical(4, ONE, TWO),
    KEYS.request("1"): Request(
        RequestKind.JOIN, "fed-4", "fed-4", 100.0, "try-1", url=FOUR, servers=(ONE, FOUR)
    ),
    KEYS.tombstone("fed-9"): Tombstone(
        NodeID("fed-9"),
        ServerUrl.parse("http://localhost:9009"),
        Role.FEDERATED,
        "2026-05-04T11:00:00Z",
        "ann@laptop",
        "retired",
    ),
    KEYS.token("0123456789ab"): TokenRecord("cd" * 32, "ann@laptop", "2026-05-04T10:00:00Z", 1.0, 2),
}
ROLLING: dict[str, Record] = rolling() | {KEYS.grant(NodeID("fed-1")): Grant(6, 3, 4e9)}

NOW = 1.7e9
"""What is above this is a time of day, in seconds since the epoch."""

COMMANDS: dict[str, tuple[tuple[str, ...], dict[str, Record]]] = {
    "diff": (("diff", "4"), NETWORK),
    "history": (("history",), NETWORK),
    "leader": (("leader",), NETWORK),
    "members": (("members",), NETWORK),
    "pending": (("pending",), NETWORK),
    "plan": (("plan", "remove", "fed-3"), NETWORK),
    "policy-show": (("policy", "show"), NETWORK),
    "removed": (("removed",), NETWORK),
    "rollout-status": (("rollout", "status"), ROLLING),
    "servers": (("servers",), NETWORK),
    "token-list": (("token", "list"), NETWORK),
    "wait": (("wait", "--version", "5"), NETWORK),
}


def output_samples() -> list[Sample]:
    """A sample of each."""
    commands = [
        Sample(f"command-{name}", Formats(OUTPUT_FORMAT), "OUTPUT_FORMAT", None, partial(_run, name))
        for name in COMMANDS
    ]
    status = Sample("status", Formats(STATUS_FORMAT), "STATUS_FORMAT", None, _status)
    metrics = Sample("metrics", Formats(1), "admin/metrics.py", None, _metrics, suffix=".txt")
    return [*commands, status, metrics]


def _run(name: str) -> bytes:
    argv, records = COMMANDS[name]
    return _without_sentences(Shell(records).json(*argv))


def _status() -> bytes:
    return _without_sentences(json.loads(full_status(STATUS).body))


def _metrics() -> bytes:
    text = prometheus(STATUS).body.replace(f'version="{__version__}"', 'version="..."')
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("# HELP")).encode()


def _without_sentences(document: object) -> bytes:
    return json.dumps(_masked(document), indent=2).encode() + b"\n"


def _masked(value: object) -> object:
    match value:
        case dict():
            return {key: _masked(item) for key, item in value.items()}
        case list():
            return [_masked(item) for item in value]
        case float() if value > NOW:
            return 0.0
        case str() if " " in value or value == __version__:
            return "..."
    return value
