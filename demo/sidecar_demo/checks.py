"""Checks and their results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

DEFAULT_TIMEOUT = 30.0
"""Seconds for every condition for which the product promises no shorter time."""

POLL_INTERVAL = 0.02

FailureReason = str | None
"""The reason why a condition does not hold; None if it holds."""

Condition = Callable[[], FailureReason]


class DemoAborted(Exception):
    """A condition failed that the rest of the demo depends on."""


@dataclass(frozen=True, slots=True)
class Result:
    """One check. ``seconds`` is the time until it held, or None if that is meaningless.

    ``nodes`` are the nodes whose logs to show if it failed.
    """

    description: str
    failure: FailureReason
    seconds: float | None
    nodes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return self.failure is None


class CheckListener(Protocol):
    """Shows checks as they happen."""

    def waiting(self, description: str) -> AbstractContextManager[None]: ...

    def checked(self, result: Result) -> None: ...


@dataclass(slots=True)
class Checks:
    """Evaluates conditions, and records and shows the results."""

    listener: CheckListener
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    results: list[Result] = field(default_factory=list)

    @property
    def failed(self) -> list[Result]:
        return [result for result in self.results if not result.passed]

    def expect(
        self, description: str, condition: Condition, *nodes: str, seconds: float | None = None
    ) -> None:
        """Check that ``condition`` holds now. The demo continues if it does not."""
        self._record(Result(description, condition(), seconds, nodes))

    def wait(
        self,
        description: str,
        condition: Condition,
        *nodes: str,
        since: float | None = None,
        within: float = DEFAULT_TIMEOUT,
    ) -> float:
        """``condition`` comes true within ``within`` seconds of ``since``; the moment that it did.

        ``since`` is on this object's clock, now by default. Raises `DemoAborted` when it does not.
        """
        began = self.clock() if since is None else since
        with self.listener.waiting(description):
            failure = condition()
            seen = self.clock()
            while failure is not None and seen - began < within:
                self.sleep(POLL_INTERVAL)
                failure = condition()
                seen = self.clock()
        took = seen - began
        if failure is None and took > within:
            failure = f"it took {took:.2f} s, longer than {within:g} s"
        elif failure is not None:
            failure = f"after {within:g} s: {failure}"
        self._record(Result(description, failure, took, nodes))
        if failure is not None:
            raise DemoAborted(description)
        return seen

    def _record(self, result: Result) -> None:
        self.results.append(result)
        self.listener.checked(result)


def first_failure(failures: Iterable[FailureReason]) -> FailureReason:
    """The first failure, or None."""
    return next((failure for failure in failures if failure is not None), None)
