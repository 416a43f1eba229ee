"""Configuration files as values: what is read from a text, and that an edit touches the list alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.documents.diff import diff
from sidecar.domain.documents.document import MAX_BYTES, Document, role_of
from sidecar.domain.errors import BadFile, Problem
from sidecar.domain.identity import Role
from sidecar.domain.servers import ServerList

DATA = Path(__file__).parents[2] / "data"


def parse(text: str | bytes, role: Role = Role.DATABASE) -> Document:
    data = text if isinstance(text, bytes) else text.encode()
    return Document.parse(data, source="config.json", role=role)


def problems_of(text: str | bytes, role: Role = Role.DATABASE) -> tuple[Problem, ...]:
    with pytest.raises(BadFile) as caught:
        parse(text, role)
    return caught.value.problems


# Reading.


@pytest.mark.parametrize(("number", "port"), [(1, 9000), (2, 9001), (3, 9002), (4, 9004)])
def test_the_owners_files_are_read(number: int, port: int) -> None:
    data = (DATA / f"fed-{number}" / "federated.json").read_bytes()
    document = parse(data, Role.FEDERATED)
    assert (document.node_id, document.port) == (f"fed-{number}", port)
    assert f"http://localhost:{port}" in document.servers.texts()
    assert document.data == data


def test_a_database_file_needs_no_servers_name_or_port() -> None:
    document = parse('{"FederatedServers": []}')
    assert (len(document.servers), document.node_id, document.port) == (0, None, None)


@given(st.binary() | st.text('{}[]",:\\\n 01e-Nnulfa').map(str.encode))
def test_no_bytes_raise_anything_but_bad_file(data: bytes) -> None:
    try:
        parse(data, Role.FEDERATED)
    except BadFile as exc:
        raised = exc
    else:
        return
    assert str(raised).startswith("config.json")


@given(st.text('{}[]",:\\\t\n 01e-.Nnulfatrsu9\ufeff', max_size=20))
def test_what_is_json_to_the_standard_library_is_json_here(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        return
    for problem in problems_of(text):
        assert "expected" not in problem.what


@pytest.mark.parametrize(
    ("text", "place", "what", "hint"),
    [
        ("", (1, 1), "the file is empty", "write a JSON object"),
        ('{"a": 1,\n}', (2, 1), "expected a key in double quotes, found '}'", "extra comma"),
        ('{"a": [1,]}', (1, 10), "expected a value, found ']'", "extra comma"),
        ('{"a": 1 "b": 2}', (1, 9), "expected a comma or }, found '\"'", "comma may be missing"),
        ('{"a" 1}', (1, 6), "expected a colon after the key, found '1'", "not valid JSON"),
        ("{'a': 1}", (1, 2), 'expected a key in double quotes, found "\'"', "double quotes"),
        ("// x\n{}", (1, 1), "expected a value, found '/'", "no comments"),
        ('{"a": 01}', (1, 8), "expected a comma or }, found '1'", "not valid JSON"),
        ('{"a": True}', (1, 7), "expected a value, found 'T'", "not valid JSON"),
        ("{} x", (1, 4), "expected the end of the file, found 'x'", "not valid JSON"),
        ('{"a\n": 1}', (1, 2), "a string does not end", "as \\n"),
        ('{"a": "\\x"}', (1, 7), "unknown escape", "as \\n"),
    ],
)
def test_a_syntax_error_is_reported_with_its_position(
    text: str, place: tuple[int, int], what: str, hint: str
) -> None:
    (problem,) = problems_of(text)
    assert (problem.line, problem.column) == place
    assert what in problem.what
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("data", "what", "place"),
    [
        (b"\xff\xfe{\0}\0", "is encoded as UTF-16", (1, 1)),
        (b"\xfe\xff\0{", "is encoded as UTF-16", (1, 1)),
        (b"\xff\xfe\0\0{\0\0\0", "is encoded as UTF-32", (1, 1)),
        (b"{\0}\0", "byte 1 is NUL", (1, 2)),
        (b'{\n"a": "\xf1"}', "byte 8 (0xf1) is not UTF-8", (2, 7)),
        ('{"é": "\0"}'.encode(), "byte 8 is NUL", (1, 8)),
        (b" " * (MAX_BYTES + 1), "is larger than 1 MiB", (0, 0)),
    ],
)
def test_a_file_that_is_not_utf_8_is_refused(data: bytes, what: str, place: tuple[int, int]) -> None:
    (problem,) = problems_of(data)
    assert problem.what == what
    assert (problem.line, problem.column) == place


def test_the_encoding_error_of_a_non_ascii_file_counts_columns_in_characters() -> None:
    (problem,) = problems_of("ééé".encode() + b"\xff")
    assert "byte 6 " in problem.what
    assert problem.column == 4


def test_nesting_beyond_the_limit_is_refused() -> None:
    (problem,) = problems_of("[" * 100_000)
    assert problem.what == "is nested more than 64 levels deep"
    text = f'{{"FederatedServers": [], "x": {"[" * 63}{"]" * 63}}}'
    assert parse(text).text == text


def test_all_problems_are_reported_in_file_order_with_positions() -> None:
    text = """{
      "Mode": "fed", "Mode": "federated",
      "Port": NaN,
      "x": {"deep": 1e999, "y": -Infinity, "z": 1, "z": 2},
      "FederatedServers": ["http://a", "ftp://b", "HTTP://A:80", 3]
    }"""
    found = [(p.where, p.line, p.column) for p in problems_of(text, Role.FEDERATED)]
    assert found == [
        ("", 1, 1),  # no NodeID
        ("/Mode", 2, 22),
        ("/Port", 3, 15),
        ("/x/deep", 4, 21),
        ("/x/y", 4, 33),
        ("/x/z", 4, 52),
        ("/FederatedServers/1", 5, 40),
        ("/FederatedServers/2", 5, 51),
        ("/FederatedServers/3", 5, 66),
    ]


def test_the_number_of_reported_problems_is_limited() -> None:
    assert len(problems_of(f'{{"x": [{"NaN," * 1000}1]}}')) == 50


def test_an_infinite_number_is_refused_and_a_long_one_is_not() -> None:
    (problem,) = problems_of(f'{{"FederatedServers": [], "x": {"9" * 5000}}}')
    assert "too large for a number" in problem.what
    assert len(problem.what) < 100
    text = f'{{"FederatedServers": [], "x": {"9" * 300}, "y": -0.5e-9}}'
    assert parse(text).text == text


def test_an_error_names_file_position_pointer_and_hint() -> None:
    with pytest.raises(BadFile) as caught:
        parse('{"FederatedServers": [],\n "Port": 0}')
    assert str(caught.value) == (
        "config.json:2:10: /Port: 0 is out of range; must be a whole number from 1 to 65535, such as 5432"
    )


def test_a_byte_order_mark_is_kept_and_has_no_column() -> None:
    document = parse('\ufeff{"FederatedServers": []}')
    assert document.with_servers(ServerList.parse(["http://a"])).data.startswith(
        b'\xef\xbb\xbf{"FederatedServers": ["'
    )
    (problem,) = problems_of("\ufeffx")
    assert (problem.line, problem.column) == (1, 1)


# Names and diffs.


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("federated.json", Role.FEDERATED),
        ("/etc/x/federated-1.json", Role.FEDERATED),
        ("config.json", Role.DATABASE),
        ("config.prod.JSON", Role.DATABASE),
        ("my-config.json", None),
        ("config.toml", None),
        ("federated.json/x", None),
    ],
)
def test_the_role_follows_from_the_file_name(name: str, role: Role | None) -> None:
    assert role_of(name) is role


def test_a_diff_shows_the_rejected_and_the_new_text() -> None:
    assert diff('{\n  "x\u2028"\n}', '{\n  "y"\n}\n', name="config.json") == (
        "--- config.json (rejected)\n+++ config.json (canonical)\n@@ -1,3 +1,3 @@\n {\n"
        '-  "x\u2028"\n-}\n\\ No newline at end of file\n+  "y"\n+}\n'
    )


def test_equal_texts_have_no_diff() -> None:
    assert diff("{}\n", "{}\n", name="config.json") == ""
