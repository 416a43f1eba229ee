"""What the fast check accepts is valid; jsonschema checks the rest."""

from __future__ import annotations

import copy
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sidecar.domain.documents.fast_check import compile_check
from sidecar.domain.documents.validation import Kind
from sidecar.resources import schema

KINDS: tuple[Kind, ...] = get_args(Kind)
EVERYDAY: tuple[Kind, ...] = ("federated", "database", "canonical")
CHECKS = {kind: compile_check(schema(kind)) for kind in KINDS}
VALIDATORS = {kind: Draft202012Validator(schema(kind)) for kind in KINDS}

ODD: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    9000.0,
    70000,
    "",
    "fed-1\n",
    "http://a b",
    "http://a",
    "x",
    [],
    ["x"],
    {},
    [[]],
]
values = st.recursive(
    st.sampled_from(ODD) | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in ``value`` with a key or an index in it."""
    keys = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@st.composite
def damaged(draw: st.DrawFn, kind: Kind) -> Any:
    """An example of the schema's own with one thing changed, dropped or doubled."""
    value = copy.deepcopy(draw(st.sampled_from(schema(kind)["examples"])))
    found = places(value)
    if not found:
        return draw(values)
    container, key = draw(st.sampled_from(found))
    match draw(st.sampled_from(["change", "drop", "double"])):
        case "change":
            container[key] = draw(values)
        case "drop":
            del container[key]
        case _ if isinstance(container, list):
            container.append(container[key])
        case _:
            container[draw(st.text(max_size=5))] = container[key]
    return value


@pytest.mark.parametrize("kind", EVERYDAY)
def test_valid_documents_need_no_jsonschema(kind: Kind) -> None:
    for example in schema(kind)["examples"]:
        assert CHECKS[kind](example)


@given(st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), damaged(kind) | values)))
def test_the_fast_check_accepts_only_what_jsonschema_accepts(of_kind: tuple[Kind, Any]) -> None:
    kind, value = of_kind
    if CHECKS[kind](value):
        assert VALIDATORS[kind].is_valid(value)


def test_an_unknown_keyword_defers_to_jsonschema() -> None:
    assert not compile_check({"type": "string", "maxLength": 5})("short")
    assert not compile_check({"properties": {"a": {"type": ["string", "null"]}}})({"a": "text"})


def test_true_is_not_a_number_and_a_whole_float_defers_to_jsonschema() -> None:
    port = compile_check({"type": "integer", "minimum": 1})
    assert port(1)
    assert not port(True)
    assert not port(1.0)


def test_a_const_is_compared_with_its_class() -> None:
    assert compile_check({"const": "federated"})("federated")
    assert compile_check({"const": 1})(1)
    assert compile_check({"enum": [1, 2]})(2)
    assert not compile_check({"const": 1})(True)
    assert not compile_check({"const": 1})(1.0)
    assert not compile_check({"const": 1})(2)
