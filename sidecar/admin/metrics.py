"""Metrics in Prometheus' text format 0.0.4, written by hand: its client costs several MiB."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar import __version__
from sidecar.domain.node.status import Status
from sidecar.domain.records.report import Phase

CONTENT_TYPE = "text/plain; version=0.0.4"

_COUNTERS = {
    "starts": ("process_starts", "Times the process was started."),
    "restarts": ("process_restarts", "Times the process was restarted after a change of the list."),
    "deaths": ("process_deaths", "Times the process died by itself."),
    "file_writes": ("file_writes", "Times the list was written into the file."),
    "rejected_edits": ("rejected_edits", "Edits of the list by hand that were not obeyed."),
    "store_errors": ("store_errors", "Times etcd did not answer, or not in time."),
    "terms": ("terms", "Times this sidecar became leader."),
}


def render(status: Status) -> str:
    """Return ``status`` as Prometheus reads it."""
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
    yield from _gauge("info", "Always 1; the labels say which sidecar this is.", 1, labels)
    gauges: dict[str, tuple[str, float | None]] = {
        "ready": ("Whether it has listed, has applied, and its lease is alive.", status.ready),
        "listed": ("Whether it has read the network's state.", status.listed),
        "applied": ("Whether its file holds the canonical list.", status.applied),
        "lease_alive": ("Whether its lease in etcd is alive.", status.lease_alive),
        "boot_checked": ("Whether the file was checked before the process.", status.boot_checked),
        "leading": ("Whether it leads the network.", status.leading),
        "process_healthy": ("Whether the process next to it is healthy.", status.healthy),
        "rollout_halted": (
            "Whether the network's rollout is halted, paused, or waits for a missing node.",
            status.standstill is not None,
        ),
        "servers": ("Servers in the canonical list.", len(status.servers)),
        "canonical_version": ("Version of the canonical list.", status.canonical_version),
        "loaded_version": ("Version that the process was started on.", status.loaded_version),
        "phase_since_seconds": ("When the phase began, in seconds since the epoch.", status.since),
    }
    for name, (about, value) in gauges.items():
        if value is not None:
            yield from _gauge(name, about, value)
    yield from _header("phase", "gauge", "1 for the phase the node is in, 0 for the others.")
    for phase in Phase:
        yield f'sidecar_phase{{phase="{phase.value}"}} {int(phase is status.phase)}'
    for field, (name, about) in _COUNTERS.items():
        yield from _header(f"{name}_total", "counter", about)
        yield f"sidecar_{name}_total {getattr(status.counters, field)}"


def _gauge(name: str, about: str, value: float, labels: dict[str, str] | None = None) -> Iterator[str]:
    yield from _header(name, "gauge", about)
    pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in (labels or {}).items())
    yield f"sidecar_{name}{f'{{{pairs}}}' if pairs else ''} {value:.17g}"


def _header(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP sidecar_{name} {about}"
    yield f"# TYPE sidecar_{name} {kind}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
