"""The policy as people read and write it: dotted keys, indented JSON, its errors, its changes."""

from __future__ import annotations

import copy
import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from sidecar.domain.documents.json_scanner import Scan, position, scan
from sidecar.domain.documents.validation import find_problems
from sidecar.domain.errors import Problem, UsageError
from sidecar.domain.printing import format_value, printable
from sidecar.domain.records.codec import from_json, to_json
from sidecar.domain.records.formats import FORMAT_KEY, find_format_problem
from sidecar.domain.records.policy import Policy
from sidecar.resources import schema

Json = dict[str, Any]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Assignment:
    """``KEY=VALUE``; ``value`` is JSON; None unsets the key and all keys below it."""

    path: tuple[str, ...]
    value: int | float | str | None


def parse_assignments(texts: Sequence[str]) -> tuple[Assignment, ...]:
    """Return the assignments in ``texts``. Raises `UsageError` for a key that is unknown or named twice."""
    assignments = tuple(_parse_assignment(text) for text in texts)
    for index, assignment in enumerate(assignments):
        if any(assignment.path == other.path for other in assignments[:index]):
            raise UsageError(f"{'.'.join(assignment.path)} is named twice; name it once")
    return assignments


def apply_assignments(document: Json, assignments: Sequence[Assignment]) -> Json:
    """``document`` with ``assignments``; everything else in it is unchanged."""
    result = copy.deepcopy(document)
    for assignment in assignments:
        _set_value(result, assignment.path, assignment.value)
    return result


def parse_policy(text: str) -> tuple[Json, tuple[Problem, ...]]:
    """The policy in ``text``, and its errors with their positions; ``{}`` if there are any."""
    found = scan(text)
    if found.problems:
        return {}, found.problems
    wrong = find_policy_problems(found.value)
    if wrong or not isinstance(found.value, dict):
        return {}, tuple(_with_position(problem, text, found) for problem in wrong)
    return found.value, ()


def find_policy_problems(document: object) -> tuple[Problem, ...]:
    """The errors in ``document`` by the schema, or by the codec, which is stricter."""
    unknown = find_format_problem(Policy, document)
    if unknown:
        return (unknown,)
    found = find_problems("policy", document)
    if not found:
        try:
            from_json(Policy, document)
        except ValueError as exc:
            where, _, what = str(exc).partition(": ")
            return (Problem(where, what),)
    return found


def policy_text(document: Json) -> str:
    """``document`` as it is edited and compared."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def policy_diff(before: str, after: str, name: str) -> str:
    """The unified diff of two texts of the policy ``name``, safe on a terminal."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{name}, before", f"{name}, after", lineterm=""
    )
    return "".join(f"{printable(line)}\n" for line in lines)


def with_defaults(policy: Policy) -> Json:
    """``policy`` with its defaults spelled out."""
    result: Json = _with_defaults(policy)
    return result


def rule_rows(
    policy: Policy, document: Json, fallback_source: str = "default"
) -> Iterator[tuple[str, str, str]]:
    """One row for each rule: its key, its value, and whether ``document`` sets it."""
    stored = {path: value for path, value in _leaves(document) if path != (FORMAT_KEY,)}
    effective = dict(_leaves(with_defaults(policy)))
    for path, value in effective.items():
        yield ".".join(path), _format_value(value), "set" if path in stored else fallback_source
    for path, value in stored.items():
        if path not in effective:
            yield ".".join(path), _format_value(value), "set, but unknown to this version"


def _parse_assignment(text: str) -> Assignment:
    key, equals, value = text.partition("=")
    rules = dict(_rules(schema("policy")))
    single = {".".join(path): path for path, rule in rules.items() if "properties" not in rule}
    path = tuple(key.split("."))
    if path not in rules:
        raise UsageError(_unknown_rule(key, list(single)))
    if not equals:
        raise UsageError(f"{text!r} has no value: write {key}=VALUE, or {key}= to unset it")
    if value and "properties" in rules[path]:
        below = ", ".join(name for name, rule in single.items() if rule[: len(path)] == path)
        raise UsageError(f"{key} is a group: set {below}; {key}= unsets all of them")
    return Assignment(path, _value(value, rules[path]) if value else None)


def _unknown_rule(key: str, known: list[str]) -> str:
    near = [name for name in known if name.endswith(f".{key}")] or difflib.get_close_matches(key, known, n=1)
    return f"unknown rule {key!r}; " + (
        f"did you mean {near[0]}?" if near else f"the rules are {', '.join(known)}"
    )


def _rules(part: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Json]]:
    for key, inner in part.get("properties", {}).items():
        if (*path, key) == (FORMAT_KEY,):
            continue  # not a rule: it describes the document
        yield (*path, key), inner
        yield from _rules(inner, (*path, key))


def _value(text: str, rule: Json) -> int | float | str:
    # If it is not a number, the schema finds the error.
    if {"integer", "number"}.intersection(_types(rule)) and _NUMBER.fullmatch(text):
        with suppress(ValueError):  # it may have thousands of digits
            number: int | float = json.loads(text)
            return number
    return text


def _types(rule: Json) -> list[str]:
    types = rule.get("type", [])
    return [types] if isinstance(types, str) else types


def _set_value(document: Json, path: tuple[str, ...], value: int | float | str | None) -> None:
    """Set the value at ``path``; None deletes it, and groups that are empty afterwards."""
    first, *rest = path
    if not rest:
        if value is None:
            document.pop(first, None)
        else:
            document[first] = value
        return
    # A value in the place of a group is an error; this replaces it.
    group = document[first] if isinstance(document.get(first), dict) else {}
    _set_value(group, tuple(rest), value)
    if group:
        document[first] = group
    else:
        document.pop(first, None)


def _with_position(problem: Problem, text: str, found: Scan) -> Problem:
    where = problem.where
    while where not in found.spans:  # deeper than the scanner records
        where = where.rpartition("/")[0]
    line, column = position(text, found.spans[where].start)
    return replace(problem, line=line, column=column)


def _with_defaults(value: object) -> Any:
    if is_dataclass(value) and isinstance(to_json(value), dict):
        return {field.name: _with_defaults(getattr(value, field.name)) for field in fields(value)}
    written = to_json(value)
    # People write 600 seconds, not 600.0.
    return int(written) if isinstance(written, float) and written.is_integer() else written


def _leaves(
    document: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    for key, value in document.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _format_value(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else format_value(value)
