"""A fast check that accepts valid documents; jsonschema checks the others.

Nearly every document is valid, and finding that out should not cost what a good error message costs:
jsonschema takes 85 ms and 4.6 MiB to import, and ten times as long for a list of servers. So a schema is
compiled into a function of the few keywords that our schemas use. False only means "ask jsonschema": the
result is false for anything unusual (an unknown keyword, 9000.0 for an integer), and true only for what
jsonschema accepts too. A test checks that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]
Check = Callable[[Any], bool]

_ANNOTATIONS = {
    *("$schema", "$id", "$comment", "$defs", "title", "description", "examples", "default"),
    "format",  # asserts nothing unless a validator enables it, and ours does not
}
_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


def compile_check(schema: Schema, root: Schema | None = None) -> Check:
    """Return a function that is true only for values valid by ``schema``, which is a part of ``root``."""
    whole = schema if root is None else root
    keywords = [(key, value) for key, value in schema.items() if key not in _ANNOTATIONS]
    if any(key not in _KEYWORDS for key, _ in keywords):
        return lambda _: False
    return _all_of([_KEYWORDS[key](argument, whole) for key, argument in keywords])


def _all_of(checks: list[Check]) -> Check:
    def holds(value: Any) -> bool:
        # Not all() over a generator, which takes twice as long: every update runs this.
        for check in checks:  # noqa: SIM110
            if not check(value):
                return False
        return True

    return holds


def _type(name: Any, _: Schema) -> Check:
    # Exactly this class: True is an int in Python, but not in JSON.
    wanted = _TYPES.get(name) if isinstance(name, str) else None
    return lambda value: type(value) is wanted


def _one_of(options: list[Any]) -> Check:
    # With the class: 1, 1.0 and True are equal in Python.
    wanted = {(type(option), option) for option in options if type(option) in (str, int)}
    return lambda value: type(value) in (str, int) and (type(value), value) in wanted


def _pattern(pattern: str, _: Schema) -> Check:
    search = re.compile(pattern).search
    return lambda value: isinstance(value, str) and search(value) is not None


def _required(keys: list[str], _: Schema) -> Check:
    return lambda value: isinstance(value, dict) and all(key in value for key in keys)


def _properties(properties: dict[str, Schema], root: Schema) -> Check:
    checks = [(key, compile_check(schema, root)) for key, schema in properties.items()]

    def holds(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        for key, check in checks:  # noqa: SIM110 - as above
            if key in value and not check(value[key]):
                return False
        return True

    return holds


def _items(schema: Schema, root: Schema) -> Check:
    check = compile_check(schema, root)
    return lambda value: isinstance(value, list) and all(map(check, value))


def _unique(_: bool, __: Schema) -> Check:
    return lambda value: (
        isinstance(value, list)
        and all(isinstance(item, str) for item in value)
        and len(set(value)) == len(value)
    )


def _reference(pointer: str, root: Schema) -> Check:
    name = pointer.removeprefix("#/$defs/")
    return compile_check(root["$defs"][name], root)


_KEYWORDS: dict[str, Callable[[Any, Schema], Check]] = {
    "type": _type,
    "const": lambda only, _: _one_of([only]),
    "enum": lambda options, _: _one_of(options),
    "pattern": _pattern,
    "minimum": lambda least, _: lambda value: type(value) is int and value >= least,
    "maximum": lambda most, _: lambda value: type(value) is int and value <= most,
    "minItems": lambda least, _: lambda value: isinstance(value, list) and len(value) >= least,
    "required": _required,
    "properties": _properties,
    "items": _items,
    "uniqueItems": _unique,
    "$ref": _reference,
}
