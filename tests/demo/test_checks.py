"""The checks of the demo: every failure is recorded and shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from sidecar_demo.checks import Checks, DemoAborted, FailureReason, Result, first_failure


@dataclass
class Listener:
    checked_results: list[Result] = field(default_factory=list)
    waited_for: list[str] = field(default_factory=list)

    @contextmanager
    def waiting(self, description: str) -> Iterator[None]:
        self.waited_for.append(description)
        yield

    def checked(self, result: Result) -> None:
        self.checked_results.append(result)


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def make_checks() -> tuple[Checks, Listener, Clock]:
    listener, clock = Listener(), Clock()
    return Checks(listener, clock, clock.sleep), listener, clock


def test_a_condition_that_holds_passes() -> None:
    checks, listener, _ = make_checks()
    checks.expect("it holds", lambda: None)
    assert checks.failed == []
    assert [result.passed for result in listener.checked_results] == [True]


def test_a_failed_condition_does_not_end_the_demo() -> None:
    checks, _, _ = make_checks()
    checks.expect("it holds", lambda: "it does not", "fed-1")
    checks.expect("another holds", lambda: None)
    assert [(result.description, result.failure, result.nodes) for result in checks.failed] == [
        ("it holds", "it does not", ("fed-1",))
    ]
    assert len(checks.results) == 2


def test_a_wait_measures_the_time_since_the_cause() -> None:
    checks, listener, clock = make_checks()
    cause = clock.now - 0.5
    came = clock.now + 0.2
    checks.wait("it comes", lambda: None if clock.now >= came else "not yet", since=cause)
    assert listener.waited_for == ["it comes"]
    assert listener.checked_results[0].passed
    assert listener.checked_results[0].seconds == pytest.approx(0.7, abs=0.03)


def test_a_timeout_fails_with_the_last_reason_and_aborts() -> None:
    checks, _, _ = make_checks()
    with pytest.raises(DemoAborted):
        checks.wait("it comes", lambda: "still missing", within=2)
    assert checks.failed[0].failure == "after 2 s: still missing"


def test_a_condition_that_holds_too_late_fails() -> None:
    checks, _, clock = make_checks()

    def slow() -> FailureReason:
        clock.now += 3  # asking took that long
        return None

    with pytest.raises(DemoAborted):
        checks.wait("it comes at once", slow, within=1)
    assert checks.failed[0].failure == "it took 3.00 s, longer than 1 s"


def test_the_first_failure_is_returned() -> None:
    assert first_failure([None, "one", "two"]) == "one"
    assert first_failure([None, None]) is None
