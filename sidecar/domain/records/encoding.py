"""The only codec of etcd values: JSON documents in, frozen records out, and back.

Unknown keys are ignored, so that a newer sidecar may add some. A value that is not
what ``docs/reference/etcd-keys.md`` says raises `BadRecord`; nothing read from etcd is trusted before it
was here.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, TypeVar

from sidecar.domain.documents.validation import Kind, find_problems
from sidecar.domain.errors import BadRecord, Problem, UnknownFormat
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.codec import from_json, to_json
from sidecar.domain.records.formats import find_format_problem
from sidecar.domain.records.membership import Candidate, Member, Tombstone, Verdict
from sidecar.domain.records.policy import Policy
from sidecar.domain.records.report import NodeLocation, Report
from sidecar.domain.records.requests import Request
from sidecar.domain.records.rollout import Exemption, Grant, Quarantine, RolloutBlock
from sidecar.domain.records.tokens import TokenRecord

Record = (Canonical | Policy | Report | Request | Verdict | Tombstone | Member | Candidate) | (
    Grant | Exemption | RolloutBlock | Quarantine | TokenRecord | NodeLocation
)
R = TypeVar("R", bound=Record)


_SCHEMA_KINDS: dict[type, Kind] = {Canonical: "canonical", Policy: "policy"}


def encode(record: Record) -> bytes:
    """Return the value to write under the record's key."""
    return json.dumps(to_json(record), ensure_ascii=False, separators=(",", ":")).encode()


def decode(cls: type[R], data: bytes, source: str) -> R:
    """Return the record in ``data``; ``source`` (its key) names it in errors.

    Raises `BadRecord`, or its kind `UnknownFormat` if this version cannot read the format of ``data``.
    """
    try:
        record: R = _decode(cls, data, source)  # type: ignore[arg-type]  # mypy: a TypeVar of types is hashable
    except (ValueError, RecursionError) as exc:
        # A record with a secret is not quoted: errors are logged.
        what = "cannot be read" if cls is TokenRecord else str(exc)
        raise BadRecord(source, (Problem("", what),)) from exc
    return record


def loads(data: bytes) -> Any:
    """Return the JSON in ``data``. Raises ValueError; for NaN too, a time limit that would never be over."""
    return json.loads(data, parse_constant=_reject_constant)


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON; write a number")


# The leader decodes every report for each decision, and nearly all are unchanged since the last one.
@lru_cache(maxsize=1024)
def _decode(cls: type[Any], data: bytes, source: str) -> Any:
    document = loads(data)
    unknown = find_format_problem(cls, document)
    if unknown:
        raise UnknownFormat(source, (unknown,))
    _check_schema(cls, document, source)
    return from_json(cls, document)


def _check_schema(cls: type, document: object, source: str) -> None:
    """Check the records that every node obeys against their JSON Schemas; the codec checks the others."""
    kind = _SCHEMA_KINDS.get(cls)
    if kind is None:
        return
    found = find_problems(kind, document)
    if found:
        raise BadRecord(source, found)
