"""What can go wrong at one endpoint, and what of it is worth another try."""

from __future__ import annotations

import json
import re
from typing import Any

from sidecar.domain.errors import LeaseLost, SidecarError, StoreRefused

# https://grpc.github.io/grpc/core/md_doc_statuscodes.html
_UNKNOWN = 2
_INVALID_ARGUMENT, _NOT_FOUND, _PERMISSION_DENIED, _EXHAUSTED = 3, 5, 7, 8
_FAILED_PRECONDITION, _OUT_OF_RANGE, _UNIMPLEMENTED, _UNAUTHENTICATED = 9, 11, 12, 16
_FINAL = {
    _INVALID_ARGUMENT,
    _NOT_FOUND,
    _PERMISSION_DENIED,
    _FAILED_PRECONDITION,
    _OUT_OF_RANGE,
    _UNIMPLEMENTED,
    _UNAUTHENTICATED,
}
_REASON = re.compile(r"rpc error: code = (?P<code>\w+) desc = (?P<message>.*)", re.DOTALL)
_CODES = {
    "InvalidArgument": _INVALID_ARGUMENT,
    "PermissionDenied": _PERMISSION_DENIED,
    "FailedPrecondition": _FAILED_PRECONDITION,
    "Unauthenticated": _UNAUTHENTICATED,
}
# Said with code 3, or with 7 and 16 in different versions, when a token is missing, expired or outdated.
_TOKEN_ERRORS = (
    "user name is empty",
    "invalid auth token",
    "revision of auth store is old",
    "revision in header is old",
)
_MESSAGE_TOO_LARGE = (
    "message larger than max"  # gRPC's own limit; code 8, which else means "busy" or "no space"
)
# Said by the gateway itself, in plain text, when etcd has authentication on and the certificate a name.
_CLIENT_HAS_COMMON_NAME = "CommonName of client sending a request against gateway"
_MAX_QUOTED_LENGTH = 200


class NoAnswer(Exception):
    """Nothing understandable came back. ``unsent``: the request cannot have reached etcd."""

    def __init__(self, reason: str, *, unsent: bool) -> None:
        super().__init__(reason)
        self.unsent = unsent


class Disconnected(NoAnswer):
    """The connection broke, or could not be made, rather than nothing coming back in time."""


class Rejected(Exception):
    """Etcd answered with an error: a gRPC status code and a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @classmethod
    def from_reason(cls, reason: str) -> Rejected:
        """Read why a watch was cancelled: ``rpc error: code = PermissionDenied desc = …``, or just a text."""
        found = _REASON.fullmatch(reason)
        if found is None:
            return cls(_UNKNOWN, reason)
        return cls(_CODES.get(found["code"], _UNKNOWN), found["message"])

    @property
    def transient(self) -> bool:
        return self.code not in _FINAL and _MESSAGE_TOO_LARGE not in self.message

    @property
    def needs_new_token(self) -> bool:
        """Another token may help."""
        return self.code == _UNAUTHENTICATED or any(sign in self.message for sign in _TOKEN_ERRORS)

    @property
    def permission_denied(self) -> bool:
        return self.code == _PERMISSION_DENIED

    @property
    def authentication_disabled(self) -> bool:
        return self.code == _FAILED_PRECONDITION and "not enabled" in self.message

    def as_domain_error(self, doing: str) -> SidecarError:
        """The domain's error for a rejection that is not `transient`."""
        if self.code == _NOT_FOUND and "lease" in self.message:
            return LeaseLost(f"{doing}: the lease has expired or was revoked ({self.message})")
        return StoreRefused(f"{doing}: etcd refused it: {self.message}")


def parse_rejection(text: str) -> Rejected | NoAnswer:
    """Read the body of an HTTP error; one that is not etcd's own says nothing about what was done."""
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        return parse_stream_error(body["error"])
    if isinstance(body, dict) and isinstance(body.get("code"), int):
        return Rejected(body["code"], str(body.get("message") or body.get("error") or "no reason given"))
    if text.startswith(_CLIENT_HAS_COMMON_NAME):
        advice = "with users, etcd's gateway takes client certificates without a Common Name (CN) only"
        return Rejected(_UNAUTHENTICATED, f"{advice}; issue one with an empty subject")
    return NoAnswer(f"not an answer of etcd's: {text.strip()[:_MAX_QUOTED_LENGTH]!r}", unsent=False)


def parse_stream_error(error: Any) -> Rejected:
    """Read the ``error`` of a stream's document (3.4 and 3.5 call its code ``grpc_code``)."""
    if not isinstance(error, dict):
        return Rejected(0, str(error)[:_MAX_QUOTED_LENGTH])
    code = error.get("grpc_code", error.get("code", 0))
    return Rejected(code if isinstance(code, int) else 0, str(error.get("message", "no reason given")))
