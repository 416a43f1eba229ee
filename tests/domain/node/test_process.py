"""Backoff and startup timeout."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.node.process import Backoff, StartupTimeout

BACKOFFS = st.builds(
    Backoff,
    first=st.floats(0.01, 5),
    factor=st.floats(1, 10),
    cap=st.floats(5, 3600),
)
JITTERS = st.floats(0, 1, exclude_max=True)


@given(BACKOFFS, st.integers(1, 10**9), JITTERS)
def test_a_delay_is_between_half_the_first_and_the_cap(
    backoff: Backoff, failures: int, jitter: float
) -> None:
    assert backoff.first / 2 <= backoff.delay(failures, jitter) <= backoff.cap


@given(BACKOFFS, st.integers(1, 1000), JITTERS)
def test_a_delay_never_shrinks_with_another_failure(backoff: Backoff, failures: int, jitter: float) -> None:
    assert backoff.delay(failures, jitter) <= backoff.delay(failures + 1, jitter)


@given(BACKOFFS, st.integers(1, 1000), JITTERS)
def test_half_of_a_delay_is_fixed_and_half_is_random(backoff: Backoff, failures: int, jitter: float) -> None:
    certain = backoff.delay(failures, 0.0)
    assert certain <= backoff.delay(failures, jitter) < 2 * certain * (1 + 1e-9)


def test_delays_double_up_to_the_cap() -> None:
    backoff = Backoff(first=1.0, factor=2.0, cap=10.0)
    assert [2 * backoff.delay(n, 0.0) for n in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_the_startup_timeout_doubles_up_to_its_cap() -> None:
    timeout = StartupTimeout(initial=10.0, max_doublings=3)
    assert [timeout.after(failed_starts) for failed_starts in range(6)] == [10, 20, 40, 80, 80, 80]


@given(st.floats(0.1, 3600), st.integers(0, 10**9))
def test_the_startup_timeout_stays_within_its_bounds(first: float, failed_starts: int) -> None:
    assert first <= StartupTimeout(first).after(failed_starts) <= 16 * first
