"""The versions that are kept, and which of them were rolled back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.network.history import History, read_history
from sidecar.domain.network.snapshot import read_network
from sidecar.domain.records.canonical import Canonical, Change, ChangeKind
from sidecar.domain.records.store import Entry, Listing, Revision
from tests.builders import KEYS, canonical, listing, network

ROLLBACK = (Change(ChangeKind.ROLLBACK, by="ann", reason="rolled back to version 1"),)


def history(*versions: Canonical) -> History:
    return History({each.version: each for each in versions})


def rollback(version: int, *ports: int) -> Canonical:
    return replace(canonical(*ports, version=version), cause=ROLLBACK)


ONE, TWO, THREE = canonical(1), canonical(1, 2, version=2), canonical(1, 2, 3, version=3)


@pytest.mark.parametrize(
    ("versions", "kept"),
    [((), "none"), ((ONE,), "1"), ((ONE, TWO, THREE), "1 to 3"), ((ONE, THREE), "1, 3")],
)
def test_kept_versions_are_described_as_ranges(versions: tuple[Canonical, ...], kept: str) -> None:
    assert history(*versions).version_ranges == kept


def test_a_rollback_undoes_the_versions_after_its_target() -> None:
    found = history(ONE, TWO, THREE, rollback(4, 1, 2))

    assert found.rolled_back_by(3) == found.versions[4]
    assert found.rolled_back_by(2) is None
    assert found.rolled_back_by(4) is None


def test_a_rolled_back_version_stays_rolled_back() -> None:
    found = history(ONE, TWO, rollback(3, 1), canonical(1, 4, version=4))

    assert found.rolled_back_by(2) == found.versions[3]
    assert found.rolled_back_by(3) is None


def test_a_future_version_is_not_rolled_back() -> None:
    assert history(ONE, TWO, rollback(3, 1)).rolled_back_by(9) is None


def test_the_history_is_in_order_and_ends_with_the_current_version() -> None:
    by_hand = canonical(1, 2, 3, 4, version=3)
    net = network({KEYS.history(3): THREE, KEYS.history(1): ONE, KEYS.canonical: by_hand})

    found = read_history(net)

    assert list(found.versions) == [1, 3]
    assert found.versions[3] == by_hand


def test_an_unreadable_version_is_skipped_and_named() -> None:
    whole = listing({KEYS.history(1): ONE})
    bad = Entry(KEYS.history(2), b"{", Revision(2), Revision(2))
    net = read_network(KEYS, Listing(whole.revision, {**whole.entries, bad.key: bad}))

    found = read_history(net)

    assert list(found.versions) == [1]
    assert KEYS.history(2) in found.unreadable[0]
