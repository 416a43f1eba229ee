"""Editing a configuration file's text: the list changes, and not one byte more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.documents.document import Document, replace_servers
from sidecar.domain.identity import Role
from sidecar.domain.servers import ServerList

DATA = Path(__file__).parents[2] / "data"
A, B, C = "http://a:9000", "http://b:9000", "http://c:9000"
BLANKS = st.text(" \t\n\r", max_size=4)
LISTS = st.lists(st.integers(1, 65535).map("http://host:{}/é".format), min_size=1, max_size=5, unique=True)


def parse(text: str | bytes, role: Role = Role.DATABASE) -> Document:
    data = text if isinstance(text, bytes) else text.encode()
    return Document.parse(data, source="config.json", role=role)


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
def test_an_edit_and_its_inverse_restore_every_byte(
    file: tuple[str, str, str], one: list[str], other: list[str]
) -> None:
    head, _, tail = file
    text = f"{head}[{', '.join(json.dumps(url, ensure_ascii=False) for url in one)}]{tail}"
    document = parse(text)
    there = document.with_servers(servers(*other, "http://one.more"))
    if len(one) > 1:
        assert there.with_servers(document.servers).text == text


@given(config_files(), LISTS, st.sampled_from(["null", '"x"', "[1, [2]]", "[]", "{}", "[\n]"]))
def test_a_value_of_the_wrong_type_is_replaced_in_place(
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


def test_an_equal_list_in_another_spelling_changes_no_byte() -> None:
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


def test_the_first_of_two_duplicate_keys_is_kept() -> None:
    text = '{"FederatedServers": ["http://x"],\n "y": 1,\n "FederatedServers": [], "z": 2}'
    repaired = replace_servers(text.encode(), servers(A))
    assert repaired == f'{{"FederatedServers": ["{A}"],\n "y": 1, "z": 2}}'.encode()


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'"FederatedServers"'])
def test_a_text_that_is_not_an_object_cannot_hold_a_list(data: bytes) -> None:
    assert replace_servers(data, servers(A)) is None
