"""The response of each path of the admin API: pure functions of `Status`."""

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

STATUS_FORMAT = 1
"""The format of ``/api/v1/status``; it is raised when a key changes its meaning or is dropped."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """One HTTP response."""

    body: str
    content_type: str = TEXT
    status: HTTPStatus = HTTPStatus.OK


Endpoint = Callable[[Status], ApiResponse]


def alive(_: Status) -> ApiResponse:
    """It answers, so it is alive; an outage of etcd is no reason to kill a sidecar."""
    return _check_response("alive", ())


def ready(status: Status) -> ApiResponse:
    reasons = {
        "it has not read the network's state from etcd yet": status.synced,
        f"its file does not hold the canonical list: {status.reason}": status.file_up_to_date,
        "its lease in etcd is not alive": status.lease_alive,
    }
    return _check_response("ready", tuple(reason for reason, holds in reasons.items() if not holds))


def started(status: Status) -> ApiResponse:
    missing = () if status.boot_checked else (f"the boot check is not done: {status.reason}",)
    return _check_response("started", missing)


def full_status(status: Status) -> ApiResponse:
    return ApiResponse(json.dumps(status_to_json(status), indent=2) + "\n", JSON)


def prometheus(status: Status) -> ApiResponse:
    return ApiResponse(metrics.render(status), metrics.CONTENT_TYPE)


def status_page(status: Status) -> ApiResponse:
    return ApiResponse(page.render(status), HTML)


ENDPOINTS: dict[str, Endpoint] = {
    "/": status_page,
    "/livez": alive,
    "/readyz": ready,
    "/startupz": started,
    "/metrics": prometheus,
    "/api/v1/status": full_status,
}


def status_to_json(status: Status) -> dict[str, object]:
    """The response of ``/api/v1/status``; its keys are a contract."""
    identity = status.identity
    return {
        "format": STATUS_FORMAT,
        "node_id": identity.node_id,
        "role": identity.role.value,
        "url": identity.url.text if identity.url else None,
        "network": status.network,
        "phase": status.phase.value,
        "reason": status.reason,
        "phase_since": status.phase_since,
        "ready": status.ready,
        "synced": status.synced,
        "file_up_to_date": status.file_up_to_date,
        "lease_alive": status.lease_alive,
        "boot_checked": status.boot_checked,
        "leading": status.leading,
        "healthy": status.healthy,
        "pid": status.pid,
        "canonical_version": status.canonical_version,
        "loaded_version": status.loaded_version,
        "FederatedServers": list(status.servers),
        "rollout_block": status.rollout_block,
        "counters": asdict(status.counters),
        "sidecar_version": __version__,
    }


def _check_response(name: str, missing: tuple[str, ...]) -> ApiResponse:
    if not missing:
        return ApiResponse(json.dumps({name: True, "reasons": []}) + "\n", JSON)
    body = json.dumps({name: False, "reasons": missing}) + "\n"
    return ApiResponse(body, JSON, HTTPStatus.SERVICE_UNAVAILABLE)
