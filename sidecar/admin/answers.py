"""What each path of the admin API answers: pure functions of `Status`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus

from sidecar import __version__
from sidecar.admin import metrics, page
from sidecar.domain.node.status import Status

TEXT = "text/plain"
JSON = "application/json"
HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    body: str
    content_type: str = TEXT
    status: HTTPStatus = HTTPStatus.OK


Teller = Callable[[Status], Answer]


def alive(_: Status) -> Answer:
    """It answers, so it lives; whether etcd does is no reason to kill a sidecar."""
    return _verdict("alive", ())


def ready(status: Status) -> Answer:
    reasons = {
        "it has not read the network's state from etcd yet": status.listed,
        f"its file does not hold the canonical list: {status.reason}": status.applied,
        "its lease in etcd is not alive": status.lease_alive,
    }
    return _verdict("ready", tuple(reason for reason, holds in reasons.items() if not holds))


def started(status: Status) -> Answer:
    missing = () if status.boot_checked else (f"the boot check is not done: {status.reason}",)
    return _verdict("started", missing)


def full_status(status: Status) -> Answer:
    return Answer(json.dumps(status_to_json(status), indent=2) + "\n", JSON)


def prometheus(status: Status) -> Answer:
    return Answer(metrics.render(status), metrics.CONTENT_TYPE)


def status_page(status: Status) -> Answer:
    return Answer(page.render(status), HTML)


PATHS: dict[str, Teller] = {
    "/": status_page,
    "/livez": alive,
    "/readyz": ready,
    "/startupz": started,
    "/metrics": prometheus,
    "/api/v1/status": full_status,
}


def status_to_json(status: Status) -> dict[str, object]:
    """What ``/api/v1/status`` answers; the keys are a contract."""
    identity = status.identity
    return {
        "node_id": identity.node_id,
        "role": identity.role.value,
        "url": identity.url.text if identity.url else None,
        "network": status.network,
        "phase": status.phase.value,
        "reason": status.reason,
        "since": status.since,
        "ready": status.ready,
        "listed": status.listed,
        "applied": status.applied,
        "lease_alive": status.lease_alive,
        "boot_checked": status.boot_checked,
        "leading": status.leading,
        "healthy": status.healthy,
        "pid": status.pid,
        "canonical_version": status.canonical_version,
        "loaded_version": status.loaded_version,
        "FederatedServers": list(status.servers),
        "standstill": status.standstill,
        "counters": asdict(status.counters),
        "sidecar": __version__,
    }


def _verdict(name: str, missing: tuple[str, ...]) -> Answer:
    if not missing:
        return Answer(json.dumps({name: True, "reasons": []}) + "\n", JSON)
    body = json.dumps({name: False, "reasons": missing}) + "\n"
    return Answer(body, JSON, HTTPStatus.SERVICE_UNAVAILABLE)
