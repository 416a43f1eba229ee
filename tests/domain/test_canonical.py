"""When a node believes a new canonical list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.records.canonical import distrust
from tests.build import THREE, canonical, servers


def test_a_first_list_is_believed() -> None:
    assert distrust(canonical(9000), None) is None


def test_a_list_that_lost_more_than_half_unexplained_is_not() -> None:
    assert "drops 2 of 3" in (distrust(canonical(9000), THREE) or "")


def test_exactly_half_is_still_believed() -> None:
    assert distrust(canonical(9000, 9001), servers(9000, 9001, 9002, 9004)) is None


def test_removals_that_tombstones_explain_are_believed_however_many() -> None:
    assert distrust(canonical(9000, removed=(9001, 9002)), THREE) is None


def test_another_network_is_not_believed() -> None:
    assert distrust(canonical(1, 2, 3, 4), THREE) is not None


@given(st.sets(st.integers(1, 50), min_size=1), st.sets(st.integers(1, 50), min_size=1))
def test_growing_is_always_believed(before: set[int], more: set[int]) -> None:
    assert distrust(canonical(*sorted(before | more)), servers(*sorted(before))) is None


@pytest.mark.parametrize("removed", [(), (9000,)])
def test_a_list_of_nobody_is_never_believed(removed: tuple[int, ...]) -> None:
    assert distrust(canonical(removed=removed), THREE) == "it is empty"
