"""Join tokens: a secret that an operator gives to newcomers, and the proof that a newcomer has it.

A token is written ``ID.SECRET``. The secret is never sent: a join carries the id, and an HMAC (RFC 2104, with
SHA-256) over the request, so that a proof that someone copies is of no use for any other request.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, replace
from typing import ClassVar

from sidecar.domain.records.formats import Formats
from sidecar.domain.records.requests import Request

_TOKEN = re.compile(r"([0-9a-f]{12})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class JoinToken:
    """The token that an operator gives to a newcomer."""

    id: str
    secret: str

    @classmethod
    def parse(cls, text: str) -> JoinToken:
        """Return the token in ``text``. Raises ValueError, whose message does not repeat it."""
        found = _TOKEN.fullmatch(text)
        if not found:
            raise ValueError("is not a join token: 12 hexadecimal digits, a dot, 64 more")
        return cls(*found.groups())

    @classmethod
    def new(cls) -> JoinToken:
        """A random token."""
        return cls(secrets.token_hex(6), secrets.token_hex(32))

    def __str__(self) -> str:
        return f"{self.id}.{self.secret}"

    def signed(self, request: Request, network: str) -> Request:
        """``request`` to join ``network``, with the proof that its sender has this token."""
        return replace(request, token=self.id, proof=compute_proof(request, network, self.secret))


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What etcd holds of a token.

    ``expires`` is in seconds since the epoch, None for never; ``uses_left`` is how many joins it still
    allows, None for any number.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    secret: str
    by: str
    at: str
    expires: float | None = None
    uses_left: int | None = None

    def why_unusable(self, now: float) -> str | None:
        """Say why the token cannot be used at ``now`` (Unix epoch); None if it can."""
        if self.expires is not None and now >= self.expires:
            return "has expired"
        if self.uses_left is not None and self.uses_left < 1:
            return "has no uses left"
        return None


def compute_proof(request: Request, network: str, secret: str) -> str:
    """The HMAC of ``request`` to join ``network``, in hexadecimal."""
    url = request.url.normal if request.url else ""
    said = [network, request.subject, url, [each.normal for each in request.servers], request.attempt]
    return hmac.new(bytes.fromhex(secret), json.dumps(said).encode(), hashlib.sha256).hexdigest()


def has_valid_proof(request: Request, network: str, record: TokenRecord) -> bool:
    """Whether ``request`` was signed with the token of ``record``."""
    try:
        expected = compute_proof(request, network, record.secret)
    except ValueError:  # the record was written by hand
        return False
    # As bytes: `compare_digest` accepts only ASCII strings, and a proof may be any text.
    return hmac.compare_digest(request.proof.encode(), expected.encode())
