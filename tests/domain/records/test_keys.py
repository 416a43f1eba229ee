"""How keys are spelled."""

from __future__ import annotations

import pytest

from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.servers import NodeID

KEYS = Keys("prod")


def test_a_prefix_contains_its_keys_and_no_others() -> None:
    within = Range.prefix("/a/")
    assert "/a/b" in within
    assert "/a/" in within
    assert "/a" not in within
    assert "/b/a" not in within
    assert 7 not in within
    assert "/a/b" in Range("/a/b")
    assert "/a/b/c" not in Range("/a/b")


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "-x", "x" * 64, "net\n"])
def test_an_unsafe_network_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="network"):
        Keys(name)


def test_a_node_does_not_watch_the_keys_of_other_nodes() -> None:
    mine = KEYS.ranges_of_node(NodeID("fed-1"))
    assert any(KEYS.grant(NodeID("fed-1")) in found for found in mine)
    assert any(KEYS.canonical in found for found in mine)
    for key in (KEYS.grant(NodeID("fed-10")), KEYS.report(NodeID("fed-1")), KEYS.request("x")):
        assert not any(key in found for found in mine)


def test_the_tombstone_of_a_url_is_one_path_element() -> None:
    assert KEYS.parts_of(KEYS.tombstone("http://a:1/x")) == ("tombstone", "http%3A%2F%2Fa%3A1%2Fx")


def test_versions_sort_as_numbers() -> None:
    assert KEYS.history(9) < KEYS.history(10) < KEYS.history(1_000_000)
