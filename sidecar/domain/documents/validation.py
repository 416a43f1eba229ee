"""Validates documents: by their JSON Schemas, and by the rules that no schema can express.

All problems are found at once. `sidecar.resources` holds the schemas.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from sidecar.domain.documents.fast_check import Check, compile_check
from sidecar.domain.errors import Problem
from sidecar.domain.printing import MAX_PROBLEMS, format_value, pointer_to
from sidecar.domain.servers import InvalidUrl, ServerUrl
from sidecar.resources import schema

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

Kind = Literal["federated", "database", "canonical", "policy", "report", "sidecar"]

_LISTS: dict[Kind, tuple[str, ...]] = {
    "federated": ("FederatedServers",),
    "database": ("FederatedServers",),
    "canonical": ("FederatedServers", "removed"),
}


def find_problems(kind: Kind, value: Any) -> tuple[Problem, ...]:
    """Return the problems of ``value`` as a document of that ``kind``; empty if it is valid.

    ``value`` is decoded JSON (or TOML). At most 50 problems are reported.
    """
    found = () if _fast_check(kind)(value) else _schema_problems(kind, value)
    lists = value if isinstance(value, dict) else {}
    of_servers = [
        problem
        for key in _LISTS.get(kind, ())
        for problem in find_server_problems(lists.get(key), pointer_to("", key))
    ]
    # Both check each URL; the second message is more precise.
    known_better = {problem.where for problem in of_servers}
    by_schema = [problem for problem in found if problem.where not in known_better]
    return tuple([*by_schema, *of_servers][:MAX_PROBLEMS])


def find_server_problems(value: object, where: str = "/FederatedServers") -> tuple[Problem, ...]:
    """The problems of the URLs in the list ``value`` at ``where`` that the schema does not find.

    Items that are not strings, and values that are not lists, are left to the schema.
    """
    found: list[Problem] = []
    seen: dict[ServerUrl, str] = {}
    for index, text in enumerate(value if isinstance(value, list) else ()):
        if not isinstance(text, str):
            continue
        here = pointer_to(where, index)
        try:
            url = ServerUrl.parse(text)
        except InvalidUrl as exc:
            found.append(Problem(here, f"{format_value(text)} {exc}", "write it as http://HOST:PORT"))
            continue
        if url in seen:
            what = f"{format_value(text)} is the same server as {seen[url]}"
            found.append(Problem(here, what, "name each server once"))
        seen.setdefault(url, here)
    return tuple(found[:MAX_PROBLEMS])


def _schema_problems(kind: Kind, value: Any) -> tuple[Problem, ...]:
    """The problems of ``value`` that jsonschema finds."""
    from sidecar.domain.documents.explain import explain_error  # noqa: PLC0415 - only an invalid document needs it

    found: dict[Problem, None] = {}
    for error in _validator(kind).iter_errors(value):  # lazy: a huge bad list is not read to its end
        found |= dict.fromkeys(explain_error(error))
        if len(found) >= MAX_PROBLEMS:
            break
    return tuple(found)


@cache
def _fast_check(kind: Kind) -> Check:
    return compile_check(schema(kind))


@cache
def _validator(kind: Kind) -> Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 4.9 MiB and 85 ms, see `_schema_problems`
    from jsonschema.validators import extend  # noqa: PLC0415 - as above

    # jsonschema compares each item with each; `find_server_problems` is linear, on normal forms.
    checker = extend(Draft202012Validator, {"uniqueItems": lambda *_: ()})  # type: ignore[no-untyped-call]  # jsonschema has no types
    validator: Validator = checker(schema(kind))
    return validator
