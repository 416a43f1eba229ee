"""A node seen from outside: its process, the event log of the process, the admin API of its sidecar."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

REQUEST_TIMEOUT = 5.0
"""Timeout of a request over loopback, in seconds, on a busy machine."""


@dataclass(frozen=True, slots=True)
class SidecarStatus:
    """The status of a sidecar; versions are None if it knows none."""

    phase: str
    reason: str
    ready: bool
    leading: bool
    lease_alive: bool
    pid: int | None
    canonical_version: int | None
    loaded_version: int | None


@dataclass(frozen=True, slots=True)
class Incarnation:
    """One incarnation of a process, by its own event log; times are Unix seconds, None: not (yet)."""

    pid: int
    servers: tuple[str, ...]
    started: float
    serves: float | None = None
    ended: float | None = None


def fetch_status(port: int) -> SidecarStatus | None:
    """The status from the admin API on ``port``; None without an answer."""
    answer = _get(port, "/api/v1/status")
    if answer is None:
        return None
    return SidecarStatus(**{name: answer[name] for name in SidecarStatus.__dataclass_fields__})


def fetch_process_pid(port: int) -> int | None:
    """The PID of the process that answers on ``port``; None without an answer."""
    answer = _get(port, "/")
    return None if answer is None else int(answer["pid"])


def _get(port: int, path: str) -> dict[str, Any] | None:
    connection = HTTPConnection("127.0.0.1", port, timeout=REQUEST_TIMEOUT)
    try:
        connection.request("GET", path)
        document = json.load(connection.getresponse())
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return document if isinstance(document, dict) else None


def read_event_log(path: Path) -> tuple[Incarnation, ...]:
    """Every incarnation of the process, in order."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return ()
    incarnations: dict[int, dict[str, Any]] = {}
    for line in lines:
        if not line.endswith("\n"):  # is being written
            break
        entry = json.loads(line)
        if entry["event"] == "start":
            incarnations[len(incarnations)] = {
                "pid": entry["pid"],
                "servers": tuple(entry["FederatedServers"]),
                "started": entry["at"],
            }
        else:
            incarnations[len(incarnations) - 1]["serves" if entry["event"] == "serve" else "ended"] = entry[
                "at"
            ]
    return tuple(Incarnation(**incarnation) for incarnation in incarnations.values())
