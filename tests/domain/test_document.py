"""Configuration files as values: what is read from a text, and that an edit touches the list alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.document import MAX_BYTES, Document, replace_servers, role_of
from sidecar.domain.drift import diff
from sidecar.domain.errors import BadFile, Problem
from sidecar.domain.identity import Role
from sidecar.domain.servers import ServerList

DATA = Path(__file__).parents[1] / "data"
A, B, C = "http://a:9000", "http://b:9000", "http://c:9000"
BLANKS = st.text(" \t\n\r", max_size=4)
LISTS = st.lists(st.integers(1, 65535).map("http://host:{}/é".format), min_size=1, max_size=5, unique=True)


def parse(text: str | bytes, role: Role = Role.DATABASE) -> Document:
    data = text if isinstance(text, bytes) else text.encode()
    return Document.parse(data, source="config.json", role=role)


def problems_of(text: str | bytes, role: Role = Role.DATABASE) -> tuple[Problem, ...]:
    with pytest.raises(BadFile) as caught:
        parse(text, role)
    return caught.value.problems


def servers(*texts: str) -> ServerList:
    return ServerList.parse(texts)


@st.composite
def config_files(draw: st.DrawFn) -> tuple[str, str, str]:
    """A valid file with blanks anywhere, as what stands before, in and behind its list."""

    def blank() -> str:
        return draw(BLANKS)

    listed = [json.dumps(text) for text in draw(LISTS)]
    array = f"[{blank()}{f'{blank()},{blank()}'.join(listed)}{blank()}]"
    others = draw(
        st.dictionaries(
            st.text(max_size=5).filter(lambda key: key not in {"FederatedServers", "NodeID", "Port", "Mode"}),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                lambda inner: (
                    st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
                ),
                max_leaves=3,
            ),
            max_size=3,
        )
    )
    members = [f"{json.dumps(key)}{blank()}:{blank()}{json.dumps(v)}" for key, v in others.items()]
    cut = draw(st.integers(0, len(members)))
    before = "".join(f"{blank()}{member}{blank()}," for member in members[:cut])
    behind = "".join(f"{blank()},{blank()}{member}" for member in members[cut:])
    mark = draw(st.sampled_from(["", "\ufeff"]))
    head = f'{mark}{blank()}{{{before}{blank()}"FederatedServers"{blank()}:{blank()}'
    return head, array, f"{behind}{blank()}}}{blank()}"


# Reading.


@pytest.mark.parametrize(("number", "port"), [(1, 9000), (2, 9001), (3, 9002), (4, 9004)])
def test_the_owners_files_are_read(number: int, port: int) -> None:
    data = (DATA / f"fed-{number}" / "federated.json").read_bytes()
    document = parse(data, Role.FEDERATED)
    assert (document.node_id, document.port) == (f"fed-{number}", port)
    assert f"http://localhost:{port}" in document.servers.texts()
    assert document.data == data


def test_a_database_nodes_list_may_be_empty_and_its_name_and_port_missing() -> None:
    document = parse('{"FederatedServers": []}')
    assert (len(document.servers), document.node_id, document.port) == (0, None, None)


@given(st.binary() | st.text('{}[]",:\\\n 01e-Nnulfa').map(str.encode))
def test_no_bytes_raise_anything_but_bad_file(data: bytes) -> None:
    try:
        parse(data, Role.FEDERATED)
    except BadFile as exc:
        told = exc
    else:
        return
    assert str(told).startswith("config.json")


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
        ("", (1, 1), "expected a value, found the end of the file", "not valid JSON"),
        ('{"a": 1,\n}', (2, 1), "expected a key in double quotes, found }", "comma may be left"),
        ('{"a": [1,]}', (1, 10), "expected a value, found ]", "comma may be left"),
        ('{"a": 1 "b": 2}', (1, 9), 'expected a comma or }, found "', "comma may be missing"),
        ('{"a" 1}', (1, 6), "expected a colon after the key, found 1", "not valid JSON"),
        ("{'a': 1}", (1, 2), "expected a key in double quotes, found '", "double quotes"),
        ("// x\n{}", (1, 1), "expected a value, found /", "no comments"),
        ('{"a": 01}', (1, 8), "expected a comma or }, found 1", "not valid JSON"),
        ('{"a": True}', (1, 7), "expected a value, found T", "not valid JSON"),
        ("{} x", (1, 4), "expected the end of the file, found x", "not valid JSON"),
        ('{"a\n": 1}', (1, 2), "a string does not end", "write \\n"),
        ('{"a": "\\x"}', (1, 7), "unknown escape", "write \\n"),
    ],
)
def test_broken_syntax_is_told_with_its_place(
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
def test_a_file_that_is_no_utf_8_text_is_refused(data: bytes, what: str, place: tuple[int, int]) -> None:
    (problem,) = problems_of(data)
    assert problem.what == what
    assert (problem.line, problem.column) == place


def test_the_encoding_error_of_a_non_ascii_file_counts_columns_in_characters() -> None:
    (problem,) = problems_of("ééé".encode() + b"\xff")
    assert "byte 6 " in problem.what
    assert problem.column == 4


def test_too_deep_nesting_is_refused_and_not_followed() -> None:
    (problem,) = problems_of("[" * 100_000)
    assert problem.what == "is nested more than 64 levels deep"
    text = f'{{"FederatedServers": [], "x": {"[" * 63}{"]" * 63}}}'
    assert parse(text).text == text


def test_everything_wrong_is_told_at_once_in_file_order_with_places() -> None:
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


def test_an_endless_number_is_refused_and_a_long_one_is_not() -> None:
    (problem,) = problems_of(f'{{"FederatedServers": [], "x": {"9" * 5000}}}')
    assert "too large for a number" in problem.what
    assert len(problem.what) < 100
    text = f'{{"FederatedServers": [], "x": {"9" * 300}, "y": -0.5e-9}}'
    assert parse(text).text == text


def test_an_error_names_file_place_pointer_and_what_would_be_right() -> None:
    with pytest.raises(BadFile) as caught:
        parse('{"FederatedServers": [],\n "Port": 0}')
    assert str(caught.value) == (
        "config.json:2:10: /Port: 0 is out of range; must be a whole number from 1 to 65535, such as 5432"
    )


def test_a_byte_order_mark_is_kept_and_has_no_column() -> None:
    document = parse('\ufeff{"FederatedServers": []}')
    assert document.with_servers(servers(A)).data.startswith(b'\xef\xbb\xbf{"FederatedServers": ["')
    (problem,) = problems_of("\ufeffx")
    assert (problem.line, problem.column) == (1, 1)


# Writing.


@given(config_files(), LISTS)
def test_an_edit_changes_the_list_and_nothing_else(file: tuple[str, str, str], listed: list[str]) -> None:
    head, array, tail = file
    new = servers(*listed)
    edited = parse(f"{head}{array}{tail}").with_servers(new)
    assert edited.text.startswith(head)
    assert edited.text.endswith(tail)
    again = parse(edited.data)
    assert again == edited
    assert again.servers.texts() == edited.servers.texts()
    assert again.servers == new


@given(config_files(), LISTS, LISTS)
def test_going_there_and_back_restores_every_byte_of_a_uniform_list(
    file: tuple[str, str, str], one: list[str], other: list[str]
) -> None:
    head, _, tail = file
    text = f"{head}[{', '.join(json.dumps(url, ensure_ascii=False) for url in one)}]{tail}"
    document = parse(text)
    there = document.with_servers(servers(*other, "http://one.more"))
    if len(one) > 1:
        assert there.with_servers(document.servers).text == text


@given(config_files(), LISTS, st.sampled_from(["null", '"x"', "[1, [2]]", "[]", "{}", "[\n]"]))
def test_a_list_of_the_wrong_kind_is_replaced_in_its_place(
    file: tuple[str, str, str], listed: list[str], broken: str
) -> None:
    head, _, tail = file
    repaired = replace_servers(f"{head}{broken}{tail}".encode(), servers(*listed))
    assert repaired is not None
    assert repaired.startswith(head.encode())
    assert repaired.endswith(tail.encode())
    assert parse(repaired).servers.texts() == listed


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_owners_files_keep_their_odd_formatting(number: int) -> None:
    document = parse((DATA / f"fed-{number}" / "federated.json").read_bytes(), Role.FEDERATED)
    four = servers(*(f"http://localhost:{port}" for port in (9000, 9001, 9002, 9004)))
    lines = ",\n".join(f'    "{url}"' for url in four)
    head = document.text.partition("[")[0]
    assert document.with_servers(four).text == f"{head}[\n{lines}\n  ]\n}}\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["http://a:9000","http://b:9000"]', '["http://a:9000","http://c:9000"]'),
        ('[ "http://a:9000" , "http://b:9000" ]', '[ "http://a:9000" , "http://c:9000" ]'),
        ('[\r\n\t"http://a:9000"\r\n]', '[\r\n\t"http://a:9000",\r\n\t"http://c:9000"\r\n]'),
        ('["http:\\/\\/a:9000"]', '["http:\\/\\/a:9000", "http://c:9000"]'),
        ('[\n  "http://b:9000"\n, "http://d"]', '[\n  "http://a:9000"\n, "http://c:9000"]'),
    ],
)
def test_the_new_list_is_written_in_the_style_of_the_old_one(old: str, new: str) -> None:
    edited = parse(f'{{"FederatedServers": {old}}}').with_servers(servers(A, C))
    assert edited.text == f'{{"FederatedServers": {new}}}'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{"FederatedServers": []}', f'{{"FederatedServers": ["{A}", "{B}"]}}'),
        ('{"FederatedServers":[]}', f'{{"FederatedServers":["{A}","{B}"]}}'),
        (
            '{\n  "FederatedServers": []\n}\n',
            f'{{\n  "FederatedServers": [\n    "{A}",\n    "{B}"\n  ]\n}}\n',
        ),
        (
            '{\r\n\t"x": 1,\r\n\t"FederatedServers": [ ]}',
            f'{{\r\n\t"x": 1,\r\n\t"FederatedServers": [\r\n\t\t"{A}",\r\n\t\t"{B}"\r\n\t]}}',
        ),
    ],
)
def test_an_empty_list_is_filled_in_the_style_of_the_file(old: str, new: str) -> None:
    assert parse(old).with_servers(servers(A, B)).text == new


def test_the_same_list_spelt_otherwise_changes_no_byte() -> None:
    document = parse('{"FederatedServers": ["HTTP://A:9000/"]}')
    assert document.with_servers(servers(A)) is document


def test_a_list_can_be_emptied() -> None:
    document = parse(f'{{"FederatedServers": ["{A}"], "x": 1}}')
    assert document.with_servers(servers()).text == '{"FederatedServers": [], "x": 1}'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{}", f'{{"FederatedServers": ["{A}"]}}'),
        ('{"x":1}', f'{{"x":1,"FederatedServers":["{A}"]}}'),
        ('{"x": 1}', f'{{"x": 1, "FederatedServers": ["{A}"]}}'),
        ('{"x": 1, "y": 2}', f'{{"x": 1, "y": 2, "FederatedServers": ["{A}"]}}'),
        (
            '{\n  "x": {\n    "y": 1\n  }\n}\n',
            f'{{\n  "x": {{\n    "y": 1\n  }},\n  "FederatedServers": [\n    "{A}"\n  ]\n}}\n',
        ),
    ],
)
def test_a_missing_list_becomes_the_last_key(old: str, new: str) -> None:
    assert replace_servers(old.encode(), servers(A)) == new.encode()


def test_of_a_list_given_twice_the_first_one_is_left() -> None:
    text = '{"FederatedServers": ["http://x"],\n "y": 1,\n "FederatedServers": [], "z": 2}'
    repaired = replace_servers(text.encode(), servers(A))
    assert repaired == f'{{"FederatedServers": ["{A}"],\n "y": 1, "z": 2}}'.encode()


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'"FederatedServers"'])
def test_what_is_no_object_has_no_place_for_a_list(data: bytes) -> None:
    assert replace_servers(data, servers(A)) is None


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
def test_a_files_name_tells_the_role(name: str, role: Role | None) -> None:
    assert role_of(name) is role


def test_a_diff_shows_what_was_rejected_and_what_came_instead() -> None:
    assert diff('{\n  "x\u2028"\n}', '{\n  "y"\n}\n', name="config.json") == (
        "--- config.json (rejected)\n+++ config.json (canonical)\n@@ -1,3 +1,3 @@\n {\n"
        '-  "x\u2028"\n-}\n\\ No newline at end of file\n+  "y"\n+}\n'
    )


def test_texts_that_are_equal_have_no_diff() -> None:
    assert diff("{}\n", "{}\n", name="config.json") == ""
