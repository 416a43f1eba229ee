"""Asking what may not be there yet, or may be just ending, over HTTP."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

_TIMEOUT = 10.0
"""Seconds."""


def http_get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """GET ``url``: the status code and the body; 0 where there is no answer, or one that is cut short."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    try:
        try:
            answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
        except urllib.error.HTTPError as exc:  # which is an answer as well
            answer = exc
        with answer:
            return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""


def http_get_json(url: str) -> dict[str, Any]:
    """What ``url`` answers with status 200; nothing otherwise."""
    code, body = http_get(url)
    found: dict[str, Any] = json.loads(body) if code == 200 else {}
    return found
