"""What was checked, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

LIMIT = 30.0
"""Seconds that anything may take, where the product promises nothing tighter."""

POLL = 0.02

Complaint = str | None
"""What is not as it should be, in words; None where all is well."""

Condition = Callable[[], Complaint]


class Halted(Exception):
    """What the rest of the story builds on has not come about."""


@dataclass(frozen=True, slots=True)
class Result:
    """One check. ``seconds`` is how long it took to come true, None where that means nothing.

    ``nodes`` are those whose logs are of interest when it failed.
    """

    claim: str
    complaint: Complaint
    seconds: float | None
    nodes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return self.complaint is None


class Audience(Protocol):
    """Who is told of checks."""

    def waiting(self, claim: str) -> AbstractContextManager[None]: ...

    def checked(self, result: Result) -> None: ...


@dataclass(slots=True)
class Checks:
    """The one judge: asks conditions, records the answers, tells each."""

    audience: Audience
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    results: list[Result] = field(default_factory=list)

    @property
    def failed(self) -> list[Result]:
        return [result for result in self.results if not result.passed]

    def expect(self, claim: str, condition: Condition, *nodes: str, seconds: float | None = None) -> None:
        """``condition`` holds now. The story goes on if it does not."""
        self._record(Result(claim, condition(), seconds, nodes))

    def wait(
        self,
        claim: str,
        condition: Condition,
        *nodes: str,
        since: float | None = None,
        within: float = LIMIT,
    ) -> float:
        """``condition`` comes true within ``within`` seconds of ``since``; the moment that it did.

        ``since`` is on this object's clock, now by default. Raises `Halted` when it does not.
        """
        began = self.clock() if since is None else since
        with self.audience.waiting(claim):
            complaint = condition()
            seen = self.clock()
            while complaint is not None and seen - began < within:
                self.sleep(POLL)
                complaint = condition()
                seen = self.clock()
        took = seen - began
        if complaint is None and took > within:
            complaint = f"it took {took:.2f} s, longer than {within:g} s"
        elif complaint is not None:
            complaint = f"after {within:g} s: {complaint}"
        self._record(Result(claim, complaint, took, nodes))
        if complaint is not None:
            raise Halted(claim)
        return seen

    def _record(self, result: Result) -> None:
        self.results.append(result)
        self.audience.checked(result)


def first(complaints: Iterable[Complaint]) -> Complaint:
    """The first complaint, None where there is none."""
    return next((complaint for complaint in complaints if complaint is not None), None)
