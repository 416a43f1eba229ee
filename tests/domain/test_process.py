from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.node.process import Backoff, Patience

BACKOFFS = st.builds(
    Backoff,
    first=st.floats(0.01, 5),
    factor=st.floats(1, 10),
    cap=st.floats(5, 3600),
)
JITTERS = st.floats(0, 1, exclude_max=True)


@given(BACKOFFS, st.integers(1, 10**9), JITTERS)
def test_a_wait_is_never_longer_than_the_cap_nor_shorter_than_half_the_first(
    backoff: Backoff, failures: int, jitter: float
) -> None:
    assert backoff.first / 2 <= backoff.delay(failures, jitter) <= backoff.cap


@given(BACKOFFS, st.integers(1, 1000), JITTERS)
def test_a_wait_never_shrinks_with_one_more_failure(backoff: Backoff, failures: int, jitter: float) -> None:
    assert backoff.delay(failures, jitter) <= backoff.delay(failures + 1, jitter)


@given(BACKOFFS, st.integers(1, 1000), JITTERS)
def test_half_of_a_wait_is_certain_and_half_is_drawn(backoff: Backoff, failures: int, jitter: float) -> None:
    certain = backoff.delay(failures, 0.0)
    assert certain <= backoff.delay(failures, jitter) < 2 * certain * (1 + 1e-9)


def test_the_first_waits_double_up_to_the_cap() -> None:
    backoff = Backoff(first=1.0, factor=2.0, cap=10.0)
    assert [2 * backoff.delay(n, 0.0) for n in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_patience_doubles_with_each_start_in_vain_up_to_its_cap() -> None:
    patience = Patience(first=10.0, most_doublings=3)
    assert [patience.of(fruitless) for fruitless in range(6)] == [10, 20, 40, 80, 80, 80]


@given(st.floats(0.1, 3600), st.integers(0, 10**9))
def test_patience_never_ends_however_often_it_was_in_vain(first: float, fruitless: int) -> None:
    assert first <= Patience(first).of(fruitless) <= 16 * first
