"""Readable messages for the errors of jsonschema: what was found, and what is valid."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from sidecar.domain.errors import Problem
from sidecar.domain.printing import format_value, pointer_to, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jsonschema import ValidationError

Schema = dict[str, Any]

_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def explain_error(error: ValidationError) -> tuple[Problem, ...]:
    """Return ``error`` as one problem for each key that it concerns."""
    where = ""
    for key in error.absolute_path:
        where = pointer_to(where, key)
    where = printable(where)
    explain = _EXPLAINERS.get(str(error.validator), _value)
    return tuple(explain(where, error))


def _value(where: str, error: ValidationError) -> Iterator[Problem]:
    schema = _schema(error)
    yield Problem(where, f"{format_value(error.instance)} is not {_name(schema)}", _wanted(schema))


def _type(where: str, error: ValidationError) -> Iterator[Problem]:
    value = format_value(error.instance)
    what = f"{value} is {_type_of(error.instance)}" if value != "null" else "is null"
    yield Problem(where, what, _wanted(_schema(error)))


def _number(where: str, error: ValidationError) -> Iterator[Problem]:
    yield Problem(where, f"{format_value(error.instance)} is out of range", _wanted(_schema(error)))


def _empty(where: str, error: ValidationError) -> Iterator[Problem]:
    yield Problem(where, "is empty", _wanted(_schema(error)))


def _choice(where: str, error: ValidationError) -> Iterator[Problem]:
    schema = _schema(error)
    choices = [str(choice) for choice in schema.get("enum", [schema.get("const")])]
    yield Problem(
        where,
        f"{format_value(error.instance)} is not {_name(schema)}",
        _wanted(schema) + (_did_you_mean(error.instance, choices) if len(choices) > 1 else ""),
    )


def _required(where: str, error: ValidationError) -> Iterator[Problem]:
    schema, keys = _schema(error), _keys(error.instance)
    unknown = {key.lower(): key for key in keys if key not in schema.get("properties", {})}
    for key in schema["required"]:
        if key not in keys:
            close = get_close_matches(key.lower(), unknown, n=1, cutoff=0.8)
            rename = f"rename {format_value(unknown[close[0]])} to {format_value(key)}" if close else ""
            yield Problem(where, f"{format_value(key)} is missing", rename or _addition(schema, key))


def _dependent(where: str, error: ValidationError) -> Iterator[Problem]:
    schema, keys = _schema(error), _keys(error.instance)
    for key, needed in schema["dependentRequired"].items():
        for other in needed:
            if key in keys and other not in keys:
                what = f"{format_value(key)} is set but {format_value(other)} is missing"
                yield Problem(where, what, _addition(schema, other))


def _unknown(where: str, error: ValidationError) -> Iterator[Problem]:
    known = [key for key in _schema(error).get("properties", {}) if key != "$schema"]
    for key in _keys(error.instance):
        if key not in known and key != "$schema":
            guess = _did_you_mean(key, known).removeprefix("; ")
            here = printable(pointer_to(where, key))
            yield Problem(here, f"{format_value(key)} is unknown", guess or f"known are {', '.join(known)}")


_EXPLAINERS: dict[str, Callable[[str, ValidationError], Iterator[Problem]]] = {
    "type": _type,
    "minimum": _number,
    "maximum": _number,
    "minItems": _empty,
    "minLength": _empty,
    "enum": _choice,
    "const": _choice,
    "required": _required,
    "dependentRequired": _dependent,
    "additionalProperties": _unknown,
}


def _schema(error: ValidationError) -> Schema:
    return error.schema if isinstance(error.schema, dict) else {}


def _keys(instance: object) -> list[str]:
    return list(instance) if isinstance(instance, dict) else []


def _name(schema: Schema) -> str:
    return f"a valid {schema.get('title', 'value')}"


def _type_of(value: object) -> str:
    """What ``value`` is, in JSON's terms."""
    names = {bool: "a boolean", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


def _addition(schema: Schema, key: str) -> str:
    """How to add ``key``, with an example where its own schema has one."""
    examples = schema.get("properties", {}).get(key, {}).get("examples")
    return f"add {format_value(key)}: {format_value(examples[0])}" if examples else f"add {format_value(key)}"


def _wanted(schema: Schema) -> str:
    """How a value of ``schema`` looks: ``must be a whole number from 1 to 65535, such as 9000``."""
    if "const" in schema:
        return f"must be {format_value(schema['const'])}"
    if "enum" in schema:
        return f"must be {' or '.join(format_value(choice) for choice in schema['enum'])}"
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else types
    text = f"must be {' or '.join(_TYPES[name] + _range(schema, name) for name in names)}"
    text += " that is not empty" if schema.get("minItems") or schema.get("minLength") else ""
    if "pattern" in schema and "description" in schema:
        text += f" ({schema['description'].rstrip('.')})"
    examples = schema.get("examples", ())[: 2 if {"integer", "string"} <= set(names) else 1]
    return f"{text}, such as {' or '.join(map(format_value, examples))}" if examples else text


def _range(schema: Schema, of_type: str) -> str:
    """The bounds of a number of that type."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None or of_type not in ("integer", "number"):
        return ""
    return f" of {low} or more" if high is None else f" from {low} to {high}"


def _did_you_mean(given: object, known: list[str]) -> str:
    close = get_close_matches(given, known, n=1) if isinstance(given, str) else []
    return f"; did you mean {format_value(close[0])}?" if close else ""
