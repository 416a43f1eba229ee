"""What went wrong with a call of the API, and what to do about it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus

_FORBIDDEN_MESSAGE = re.compile(
    r'User "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)" '
    r'in API group "(?P<group>[^"]*)"(?: in the namespace "(?P<namespace>[^"]+)")?'
)
_SERVICE_ACCOUNT = "system:serviceaccount:"
_MAX_QUOTED_LENGTH = 300


class NoAnswer(Exception):
    """Nothing understandable came back; the message says from whom, and why."""


@dataclass
class ApiError(Exception):
    """The API server said no: a ``Status`` object. ``retry_after`` is its Retry-After in seconds, if it has
    one.
    """

    status: int
    message: str
    retry_after: float | None = None
    name: str = ""
    reason: str = field(default="")

    @property
    def is_busy(self) -> bool:
        """Whether the server asks to come back: it is busy, or not there for the moment."""
        return self.retry_after is not None and self.status in (429, 500, 503, 504)

    def __str__(self) -> str:
        if self.status == HTTPStatus.UNAUTHORIZED:
            return (
                "the API server does not accept the service account's token (401); it has expired, or comes "
                "from another cluster: the kubelet renews it where it mounted it, a copy it does not"
            )
        if self.status == HTTPStatus.FORBIDDEN:
            return _forbidden(self.message, self.name)
        if self.is_busy:
            return (
                f"the API server is busy ({self.status}) and asks for {self.retry_after:g} s: {self.message}"
            )
        return f"the API server refused it ({self.status}): {self.message}"


def parse_api_error(status: int, text: str, retry_after: str | None) -> ApiError:
    """Read the body of an HTTP error; an overloaded server, and what is in between, send plain text."""
    wait = float(retry_after) if retry_after and retry_after.isdigit() else None
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict) or body.get("kind") != "Status":
        return ApiError(status, " ".join(text.split())[:_MAX_QUOTED_LENGTH] or "no reason given", wait)
    return api_error_of_status(body, status, wait)


def api_error_of_status(body: dict[str, object], status: int = 0, wait: float | None = None) -> ApiError:
    """The refusal that a ``Status`` object is."""
    details, code = body.get("details"), body.get("code")
    known = details if isinstance(details, dict) else {}
    seconds = known.get("retryAfterSeconds")
    if wait is None and isinstance(seconds, int):
        wait = float(seconds)
    return ApiError(
        code if isinstance(code, int) else status,
        str(body.get("message") or "no reason given"),
        wait,
        str(known.get("name") or ""),
        str(body.get("reason") or ""),
    )


def _forbidden(message: str, name: str) -> str:
    found = _FORBIDDEN_MESSAGE.search(message)
    if found is None:  # an admission controller or a quota: its own words say why
        return f"the API server forbids it (403): {message}"
    user = found["user"]
    who = f"user {user}"
    if user.startswith(_SERVICE_ACCOUNT):
        who = "service account " + user.removeprefix(_SERVICE_ACCOUNT).replace(":", "/")
    names = f", resourceNames: [{name}]" if name else ""
    what = f'apiGroups: ["{found["group"]}"], resources: [{found["resource"]}]'
    return (
        f"{who} may not {found['verb']} {found['resource']} in namespace {found['namespace']} (403); "
        f"add to its Role: {{{what}{names}, verbs: [{found['verb']}]}}"
    )
