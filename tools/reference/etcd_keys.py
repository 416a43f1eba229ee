"""The contents of etcd: every key, and the fields of every document."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from sidecar.domain.records.codec import to_json
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.policy import Limit
from sidecar.domain.servers import ServerList, ServerUrl
from tools.reference import notes
from tools.reference.markdown import code, docstring, page, table
from tools.reference.samples import sample

INTRO = """
Everything of a network is under `/federation/<network>/`. Every value is a JSON object; keys in it that a
reader does not know are ignored. What each sidecar reads, and why it is safe: [the
protocol](../explanation/protocol.md). *Fenced* means: in a transaction that holds only while its writer is
the leader.
"""

DOCUMENTS = """
The fields of each document. One with a default may be left out. Times are seconds since 1970 where they are
numbers, RFC 3339 where they are strings.
"""

_ONE_VALUE = {ServerUrl, ServerList, Limit}
"""Dataclasses that are one JSON value, and no object."""

_PLACES = {"node": "<NodeID>", "version": "<version>", "name": "<NodeID or URL>"}


def etcd_keys() -> str:
    """The page."""
    rows = [(code(key), notes.ETCD_KEYS[key][0], *notes.ETCD_KEYS[key][1:]) for key in sorted(keys())]
    head = ("key", "document", "written by", "lives")
    records = list(typing.get_args(Record))
    nested = {each: None for record in records for each in _nested(record) if each not in records}
    documents = [part for record in (*records, *nested) for part in _document(record)]
    return page("etcd keys", INTRO, table(head, rows), "## The documents", DOCUMENTS, *documents)


def keys() -> Iterator[str]:
    """Yield the keys of a network, below its root, with placeholders in angle brackets."""
    network = Keys("network")
    for name, member in inspect.getmembers(Keys):
        if name.startswith("_") or name in {"root", "network"}:
            continue
        if isinstance(member, property):
            found: object = getattr(network, name)
        elif inspect.isfunction(member):
            found = _called(network, name)
        else:
            continue
        if isinstance(found, str):
            yield found.removeprefix(network.root)


def _called(network: Keys, name: str) -> object:
    """Return the key that a method of `Keys` returns, or its range of keys."""
    method = getattr(network, name)
    given: list[Any] = []
    marks: dict[str, str] = {}
    for number, parameter in enumerate(inspect.signature(method).parameters.values()):
        if parameter.annotation == "int":
            given.append(1234567890 + number)
            marks[f"{1234567890 + number:010d}"] = marks[f"{1234567890 + number:016x}"] = (
                f"<{parameter.name}>"
            )
        else:
            given.append(f"mark{number}")
            marks[f"mark{number}"] = _PLACES.get(parameter.name, f"<{parameter.name}>")
    found = method(*given)
    if isinstance(found, Range) or not isinstance(found, str):
        return found
    for mark, place in marks.items():
        found = found.replace(mark, place)
    return found


def _nested(record: type[Any]) -> Iterator[type[Any]]:
    """Yield the records inside ``record``, recursively."""
    hints = typing.get_type_hints(record)
    for hint in (hints[each.name] for each in fields(record)):
        for each in (hint, *typing.get_args(hint)):
            if is_dataclass(each) and each not in _ONE_VALUE and isinstance(each, type):
                yield each
                yield from _nested(each)


def _document(record: type[Any]) -> Iterator[str]:
    yield f"### {record.__name__}"
    yield docstring(record)
    made = json.loads(json.dumps(to_json(sample(record))))
    hints = typing.get_type_hints(record)
    rows = [
        (code(str(each.metadata.get("key", each.name))), _kind(hints[each.name]), _default(each))
        for each in fields(record)
    ]
    named = {row[0] for row in rows}
    added = [(code(key), "integer", code(str(made[key]))) for key in made if code(key) not in named]
    yield table(("field", "type", "default"), [*added, *rows])


def _default(field: Any) -> str:
    if field.default is MISSING and field.default_factory is MISSING:
        return ""
    if is_dataclass(field.default) and not hasattr(field.default, "to_json"):
        return "all of its defaults"
    if field.default_factory is not MISSING or field.default in (None, "", ()):
        return "none"
    if hasattr(field.default, "to_json"):
        return code(str(field.default.to_json()))
    return code(str(getattr(field.default, "value", field.default)))


def _kind(hint: Any) -> str:
    args = [each for each in typing.get_args(hint) if each is not type(None)]
    origin = typing.get_origin(hint)
    if origin is tuple:
        return f"array of {_kind(args[0])}"
    if origin is not None and args:
        return f"{_kind(args[0])} or null"
    simple = {str: "string", int: "integer", float: "number", bool: "boolean"}
    if hint in simple:
        return simple[hint]
    if isinstance(hint, typing.NewType):
        return hint.__name__
    if issubclass(hint, str):
        return " / ".join(code(str(each.value)) for each in hint)  # type: ignore[attr-defined]  # an enum of texts
    return {"ServerUrl": "URL", "ServerList": "array of URLs", "Limit": "integer or percentage"}.get(
        hint.__name__, hint.__name__
    )
