"""Metrics in the text format 0.0.4 of Prometheus, without its client, which takes several MiB."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar import __version__
from sidecar.domain.node.status import Status
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import BlockKind

CONTENT_TYPE = "text/plain; version=0.0.4"

_COUNTERS = {
    "starts": ("process_starts", "Times the process was started."),
    "restarts": ("process_restarts", "Times the sidecar restarted the running process."),
    "crashes": ("process_crashes", "Times the process exited unexpectedly."),
    "file_writes": ("file_writes", "Times the list was written into the file."),
    "rejected_edits": ("rejected_edits", "Manual edits of the list that were rejected."),
    "store_errors": ("store_errors", "Times etcd failed or timed out."),
    "leader_terms": ("leader_terms", "Times this sidecar became leader."),
}


def render(status: Status) -> str:
    """Return ``status`` in the format of Prometheus."""
    return "".join(f"{line}\n" for line in _lines(status))


def _lines(status: Status) -> Iterator[str]:
    identity = status.identity
    labels = {
        "version": __version__,
        "network": status.network,
        "node_id": identity.node_id,
        "role": identity.role.value,
        "url": identity.url.text if identity.url else "",
    }
    yield from _gauge("info", "Always 1; the labels identify the sidecar.", 1, labels)
    gauges: dict[str, tuple[str, float | None]] = {
        "ready": (
            "Whether the sidecar is synced, its file is up to date, and its lease is alive.",
            status.ready,
        ),
        "synced": ("Whether the sidecar has read the state of the network.", status.synced),
        "file_up_to_date": ("Whether the file has the canonical list.", status.file_up_to_date),
        "lease_alive": ("Whether the lease in etcd is alive.", status.lease_alive),
        "boot_checked": ("Whether the file was checked before the process was started.", status.boot_checked),
        "leader": ("Whether this sidecar is the leader.", status.leading),
        "process_healthy": ("Whether the process is healthy.", status.healthy),
        "file_servers": ("Servers in the configuration file.", len(status.servers)),
        "canonical_version": ("Version of the canonical list.", status.canonical_version),
        "loaded_version": ("Version that the process has loaded.", status.loaded_version),
        "phase_start_time_seconds": (
            "Start of the current phase, in seconds since the epoch.",
            status.phase_since,
        ),
    }
    for name, (about, value) in gauges.items():
        if value is not None:
            yield from _gauge(name, about, value)
    yield from _rollout_blocked(status)
    yield from _header("phase", "gauge", "1 for the phase the node is in, 0 for the others.")
    for phase in Phase:
        yield f'federation_sidecar_phase{{phase="{phase.value}"}} {int(phase is status.phase)}'
    for field, (name, about) in _COUNTERS.items():
        yield from _header(f"{name}_total", "counter", about)
        yield f"federation_sidecar_{name}_total {getattr(status.counters, field)}"


def _rollout_blocked(status: Status) -> Iterator[str]:
    yield from _header("rollout_blocked", "gauge", "1 for what blocks the rollout, 0 for the others.")
    current = (status.rollout_block or "").partition(": ")[0]
    for kind in BlockKind:
        yield f'federation_sidecar_rollout_blocked{{state="{kind.value}"}} {int(kind.value == current)}'


def _gauge(name: str, about: str, value: float, labels: dict[str, str] | None = None) -> Iterator[str]:
    yield from _header(name, "gauge", about)
    pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in (labels or {}).items())
    yield f"federation_sidecar_{name}{f'{{{pairs}}}' if pairs else ''} {value:.17g}"


def _header(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP federation_sidecar_{name} {about}"
    yield f"# TYPE federation_sidecar_{name} {kind}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
