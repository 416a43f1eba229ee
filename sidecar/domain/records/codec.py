"""Frozen dataclasses to JSON objects and back, driven by their own type hints.

A field may carry ``metadata={"key": "FederatedServers"}`` where its JSON key is not its name. A field that
holds its default is not written; keys that are not fields are ignored. A type that declares its `Formats` is
written with the number of its format first. A value that does not fit, or whose format this version cannot
read, raises ValueError; the message starts with the JSON Pointer.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from sidecar.domain.records.formats import FORMAT_KEY, find_format_problem, formats_of
from sidecar.domain.records.policy import Limit
from sidecar.domain.servers import NodeID, ServerList, ServerUrl, parse_node_id

T = TypeVar("T")
Reader = Callable[[Any, str], Any]


def to_json(value: object) -> object:
    """Return ``value`` in the form that `json.dumps` accepts."""
    if isinstance(value, ServerUrl):
        return value.text
    if isinstance(value, ServerList):
        return value.texts()
    if isinstance(value, Limit):
        return value.to_json()
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        found = ((field, getattr(value, field.name)) for field in fields(value))
        written = {_key(field): to_json(held) for field, held in found if held != field.default}
        formats = formats_of(type(value))
        return {FORMAT_KEY: formats.current, **written} if formats else written
    return value


def from_json(cls: type[T], document: object, where: str = "") -> T:
    """Return the ``cls`` that ``document`` describes. Raises ValueError."""
    result: T = _reader(cls)(document, where)  # type: ignore[arg-type]  # mypy doubts that type[T] is hashable, as @cache wants
    return result


def _key(field: Field[Any]) -> str:
    return str(field.metadata.get("key", field.name))


@cache
def _reader(hint: Any) -> Reader:
    """The function that reads a value of type ``hint``; built once for each type."""
    if hint in _PARSERS:
        kind, parse = _PARSERS[hint]
        return _checked(kind, parse)
    origin = typing.get_origin(hint)
    if origin is types.UnionType or origin is typing.Union:
        return _optional(hint)
    if origin is tuple:
        return _tuple(_reader(typing.get_args(hint)[0]))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _checked(str, hint)
    if is_dataclass(hint):
        return _record(hint)
    raise TypeError(f"no JSON form for {hint!r}")


def _checked(kind: type | tuple[type, ...], parse: Callable[[Any], Any]) -> Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{where}: {value!r} is of the wrong type")
        try:
            return parse(value)
        except (ValueError, OverflowError) as exc:
            raise ValueError(f"{where}: {value!r} {exc}") from exc

    return read


def _optional(hint: Any) -> Reader:
    (inner,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
    read_inner = _reader(inner)
    return lambda value, where: None if value is None else read_inner(value, where)


def _tuple(read_item: Reader) -> Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise ValueError(f"{where}: {value!r} is not an array")
        return tuple(read_item(item, f"{where}/{index}") for index, item in enumerate(value))

    return read


def _record(cls: Any) -> Reader:
    hints = typing.get_type_hints(cls)
    readers = [(field, _key(field), _reader(hints[field.name])) for field in fields(cls)]

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError(f"{where}: {value!r} is not an object")
        if wrong := find_format_problem(cls, value):
            raise ValueError(f"{where}{wrong.where}: {wrong.what}; {wrong.hint}")
        found = {}
        for field, key, read_field in readers:
            if key in value:
                found[field.name] = read_field(value[key], f"{where}/{key}")
            elif field.default is MISSING:
                raise ValueError(f"{where}: {key!r} is missing")
        return cls(**found)

    return read


def _strings(value: list[Any]) -> ServerList:
    if not all(isinstance(item, str) for item in value):
        raise ValueError("holds something that is not a string")
    return ServerList.parse(value)


def _finite(value: float) -> float:
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise ValueError("is too large a number")
    return found


def _text(value: str) -> str:
    # JSON can spell half a character, which has no UTF-8 form.
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("holds half a character")
    return value


_PARSERS: dict[Any, tuple[type | tuple[type, ...], Callable[[Any], Any]]] = {
    str: (str, _text),
    int: (int, int),
    float: ((int, float), _finite),
    bool: (bool, bool),
    NodeID: (str, parse_node_id),
    ServerUrl: (str, ServerUrl.parse),
    ServerList: (list, _strings),
    Limit: ((int, str), Limit.parse),
}
