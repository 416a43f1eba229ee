"""The schemas, and the messages about what they find."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sidecar.domain.documents.validation import Kind, find_problems, find_server_problems
from sidecar.domain.errors import Problem
from sidecar.domain.identity import Role
from sidecar.domain.records.canonical import ChangeKind
from sidecar.domain.records.keys import NETWORK_PATTERN
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import NODE_ID_PATTERN, InvalidUrl, ServerUrl
from sidecar.resources import schema

KINDS: tuple[Kind, ...] = get_args(Kind)
FEDERATED = {
    "Mode": "federated",
    "Port": 9000,
    "NodeID": "fed-1",
    "FederatedServers": ["http://localhost:9000"],
}
NO_NEWLINE = "(?!\\n)"  # Python's $ matches before a last line break, JavaScript's does not


def message(kind: Kind, value: object) -> str:
    return "\n".join(problem.describe(kind) for problem in find_problems(kind, value))


def properties(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in node.get("properties", {}).items():
        yield key, value
        yield from properties(value)
    for value in (*node.get("$defs", {}).values(), node.get("items")):
        if isinstance(value, dict) and "$ref" not in value:
            yield value.get("title", ""), value
            yield from properties(value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_schema_is_valid_and_has_a_title_and_an_id(kind: Kind) -> None:
    document = schema(kind)
    Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == f"urn:federation-sidecar:schema:{kind}"
    assert document["title"]
    assert document["description"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_of_a_document_is_valid(kind: Kind) -> None:
    assert schema(kind)["examples"]
    for example in schema(kind)["examples"]:
        assert find_problems(kind, example) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_every_property_has_a_title_a_description_and_examples_that_are_valid(kind: Kind) -> None:
    for name, node in properties(schema(kind)):
        assert node.get("title"), name
        assert node.get("description"), name
        assert "$ref" in node or node["examples"], name
        for example in node.get("examples", ()):
            Draft202012Validator({**node, "$defs": schema(kind).get("$defs", {})}).validate(example)


def test_there_is_a_schema_file_for_each_kind_and_no_other() -> None:
    folder = Path(__file__).parents[3] / "schemas"
    assert {path.name for path in folder.iterdir()} == {f"{kind}.schema.json" for kind in KINDS}


def test_the_schemas_spell_names_as_the_code_does() -> None:
    report, sidecar = schema("report")["properties"], schema("sidecar")["properties"]
    assert report["phase"]["enum"] == list(Phase)
    assert report["role"]["enum"] == sidecar["role"]["enum"] == list(Role)
    assert sidecar["network"]["pattern"] == NETWORK_PATTERN + NO_NEWLINE
    changes = schema("canonical")["$defs"]["change"]["properties"]
    assert changes["kind"]["enum"] == list(ChangeKind)
    for document in map(schema, KINDS):
        for name, node in properties(document):
            if name in {"NodeID", "node_id"} and "pattern" in node:
                assert node["pattern"] == NODE_ID_PATTERN + NO_NEWLINE


@given(st.text() | st.text("/:a0.[]%é-").map("http://h{}".format))
def test_an_editor_accepts_every_url_that_the_sidecar_does(text: str) -> None:
    try:
        ServerUrl.parse(text)
    except InvalidUrl:
        return
    Draft202012Validator(schema("federated")).validate(FEDERATED | {"FederatedServers": [text]})


@pytest.mark.parametrize("kind", ["federated", "database", "canonical", "policy", "report"])
def test_unknown_keys_are_allowed_in_shared_records(kind: Kind) -> None:
    assert find_problems(kind, {**schema(kind)["examples"][0], "new": {"x": 1}, "$schema": "y"}) == ()


def test_a_misspelt_setting_is_refused_with_a_suggestion() -> None:
    assert find_problems("sidecar", {"lease_tll": 3, "tls": {"keey": "x"}}) == (
        Problem("/lease_tll", '"lease_tll" is unknown', 'did you mean "lease_ttl"?'),
        Problem("/tls/keey", '"keey" is unknown', 'did you mean "key"?'),
    )
    (problem,) = find_problems("sidecar", {"tls": {"zzz": 1}})
    assert problem.hint == "known are ca, cert, key"


def test_a_misspelt_key_is_reported_with_the_right_name() -> None:
    found = find_problems("database", {"federated_servers": ["http://a:1"], "Federation": "north"})
    assert [(problem.what, problem.hint) for problem in found] == [
        ('"FederatedServers" is missing', 'rename "federated_servers" to "FederatedServers"')
    ]


def test_each_missing_key_is_reported_with_an_example() -> None:
    assert [(problem.where, problem.what, problem.hint) for problem in find_problems("federated", {})][
        :3
    ] == [
        ("", '"Mode" is missing', 'add "Mode": "federated"'),
        ("", '"Port" is missing', 'add "Port": 9000'),
        ("", '"NodeID" is missing', 'add "NodeID": "fed-1"'),
    ]


@pytest.mark.parametrize(
    ("kind", "wrong", "words"),
    [
        ("federated", {"Port": "9000"}, '/Port: "9000" is a string; must be a whole number from 1'),
        ("federated", {"Port": None}, "/Port: is null; must be a whole number"),
        ("federated", {"Port": True}, "/Port: true is a boolean; must be a whole number"),
        ("federated", {"Port": 0}, "/Port: 0 is out of range; must be a whole number from 1 to"),
        ("federated", {"Port": 65536}, "/Port: 65536 is out of range; must be a whole number"),
        ("federated", {"Mode": "fed"}, '/Mode: "fed" is not a valid Mode; must be "federated"'),
        ("federated", {"NodeID": "a b"}, '/NodeID: "a b" is not a valid NodeID; must be a string ('),
        ("federated", {"NodeID": "a\n"}, '/NodeID: "a\\n" is not a valid NodeID'),
        ("federated", {"FederatedServers": []}, "/FederatedServers: is empty; must be a list that"),
        ("federated", {"FederatedServers": "x"}, '/FederatedServers: "x" is a string; must be a l'),
        ("federated", {"FederatedServers": [1]}, "/FederatedServers/0: 1 is a number; must be a s"),
        ("federated", {"FederatedServers": ["x"]}, '/FederatedServers/0: "x" does not start with'),
        ("canonical", {"version": 0}, "/version: 0 is out of range; must be a whole number of 1"),
        ("canonical", {"removed": ["x"]}, '/removed/0: "x" does not start with http'),
        ("canonical", {"cause": []}, "/cause: is empty"),
        ("canonical", {"cause": [{"kind": "joim"}]}, 'or "rollback"; did you mean "join"?'),
        ("canonical", {"at": "2025-01-31 12:00"}, '/at: "2025-01-31 12:00" is not a valid Written'),
        ("policy", {"history": 10001}, "/history: 10001 is out of range"),
        ("policy", {"rollout": {"max_unavailable": 0}}, "/rollout/max_unavailable: 0 is out of range"),
        ("report", {"phase": "runing"}, 'did you mean "running"?'),
        ("report", {"healthy": 1}, "/healthy: 1 is a number; must be true or false"),
        ("report", {"pid": "x"}, '/pid: "x" is a string; must be a whole number of 1 or more or null'),
        ("sidecar", {"lease_ttl": 1}, "/lease_ttl: 1 is out of range; must be a number from 2 to"),
        ("sidecar", {"etcd": []}, "/etcd: is empty; must be a list or a string that is not empty"),
        ("sidecar", {"tls": {"cert": "x"}}, '/tls: "cert" is set but "key" is missing; add "key"'),
    ],
)
def test_each_problem_is_reported_readably(kind: Kind, wrong: dict[str, object], words: str) -> None:
    document = {**schema(kind)["examples"][0], **wrong}
    assert len(find_problems(kind, document)) == 1
    assert words in message(kind, document)


@pytest.mark.parametrize("etcd", ["http://a:1,http://b:2", ["http://a:1", "https://b:2"]])
def test_endpoints_may_be_a_list_or_separated_by_commas(etcd: object) -> None:
    assert find_problems("sidecar", {"etcd": etcd}) == ()


def test_the_only_valid_value_is_not_suggested_twice() -> None:
    problems = find_problems("federated", {"Mode": "federatd"})
    (hint,) = (each.hint for each in problems if each.where == "/Mode")
    assert hint == 'must be "federated"'


def test_a_document_that_is_not_an_object_is_refused() -> None:
    assert message("database", [1]).startswith("database: [1] is a list; must be an object")


def test_a_duplicate_server_is_reported_with_the_first_one() -> None:
    (problem,) = find_server_problems(["http://a", "http://b", "HTTP://A:80/"], "/x")
    assert problem == Problem("/x/2", '"HTTP://A:80/" is the same server as /x/0', "name each server once")


def test_many_errors_are_cut_short_quickly() -> None:
    servers = ["x", {}] * 50_000
    assert len(find_problems("federated", FEDERATED | {"FederatedServers": servers})) == 50


def test_problems_contain_no_terminal_control_characters() -> None:
    (problem,) = find_problems("sidecar", {"\x1b[2J\n": 1})
    assert problem.describe("f").isprintable()
    (problem,) = find_problems("federated", FEDERATED | {"NodeID": "\x1b\u202e\ud800" + "x" * 999})
    assert problem.what.isprintable()
    assert len(problem.what) < 100


def test_a_schema_is_read_as_json_from_the_package() -> None:
    assert json.dumps(schema("policy"))
    assert schema("policy") is schema("policy")
