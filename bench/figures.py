"""A figure: the measurement, its reference, and its target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Samples:
    """The results of several tries; never empty."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Samples:
        return cls(tuple(values))

    @property
    def middle(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> str:
        """From the least to the most."""
        return (
            f"{format_number(min(self.values))}-{format_number(max(self.values))}"
            if len(self.values) > 1
            else ""
        )


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    ``floor`` is the same measurement, in the same run, of the least program that could do the job. ``limit``
    is the target in ``unit``, ``factor`` the target as a multiple of the floor; a figure may have neither.
    """

    name: str
    unit: str
    measured: Samples
    floor: Samples | None = None
    limit: float | None = None
    factor: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.measured.middle / self.floor.middle if self.floor else None

    @property
    def target(self) -> str:
        if self.factor is not None:
            return f"<= {self.factor:g} x floor"
        return f"<= {self.limit:g} {self.unit}" if self.limit is not None else ""

    @property
    def meets_target(self) -> bool | None:
        """Whether the median meets the target; None without one."""
        if self.factor is not None:
            return self.ratio is not None and self.ratio <= self.factor
        return self.measured.middle <= self.limit if self.limit is not None else None


def format_number(value: float) -> str:
    """Three digits, or all before the point."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"
