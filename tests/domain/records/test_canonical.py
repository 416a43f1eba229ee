"""When a node trusts a new canonical list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.records.canonical import why_untrusted
from tests.builders import THREE, canonical, servers


def test_a_first_list_is_trusted() -> None:
    assert why_untrusted(canonical(9000), None) is None


def test_a_list_that_lost_more_than_half_unexplained_is_not_trusted() -> None:
    assert "drops 2 of 3" in (why_untrusted(canonical(9000), THREE) or "")


def test_a_list_that_lost_exactly_half_is_trusted() -> None:
    assert why_untrusted(canonical(9000, 9001), servers(9000, 9001, 9002, 9004)) is None


def test_removals_explained_by_tombstones_are_trusted() -> None:
    assert why_untrusted(canonical(9000, removed=(9001, 9002)), THREE) is None


def test_the_list_of_another_network_is_not_trusted() -> None:
    assert why_untrusted(canonical(1, 2, 3, 4), THREE) is not None


@given(st.sets(st.integers(1, 50), min_size=1), st.sets(st.integers(1, 50), min_size=1))
def test_a_list_that_grows_is_always_trusted(before: set[int], more: set[int]) -> None:
    assert why_untrusted(canonical(*sorted(before | more)), servers(*sorted(before))) is None


@pytest.mark.parametrize("removed", [(), (9000,)])
def test_an_empty_list_is_never_trusted(removed: tuple[int, ...]) -> None:
    assert why_untrusted(canonical(removed=removed), THREE) == "it is empty"
