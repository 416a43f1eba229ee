"""The number that every stored format carries, and which numbers this version reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sidecar.domain.errors import Problem

FORMAT_KEY = "format"


@dataclass(frozen=True, slots=True)
class Formats:
    """The sidecar writes a stored type in format ``current``, and reads that one and the ``older`` ones.

    A type declares this as its class variable ``FORMATS``. Raise the number when a reader of the previous
    format would misread the new one; a new key that readers may ignore needs no new number.
    """

    current: int
    older: tuple[int, ...] = ()

    @property
    def readable(self) -> tuple[int, ...]:
        return (*self.older, self.current)

    def find_problem(self, document: object) -> Problem | None:
        """Say why this version cannot read the format of ``document``; None if it can.

        A document without a number is in format 1: people may write one by hand.
        """
        if not isinstance(document, Mapping):
            return None  # not an object: its reader says so
        found = document.get(FORMAT_KEY, 1)
        if type(found) is not int:
            return Problem(f"/{FORMAT_KEY}", f"{found!r} is not a number", f"write {self.current}")
        if found in self.readable:
            return None
        known = f"this sidecar reads format {_spelled(self.readable)}"
        if found > self.current:
            return Problem(f"/{FORMAT_KEY}", f"format {found} is too new: {known}", "upgrade this sidecar")
        return Problem(
            f"/{FORMAT_KEY}", f"format {found} is too old: {known}", "convert it with an older release"
        )


def formats_of(cls: type) -> Formats | None:
    """The formats that ``cls`` declares; None if it is only stored as a part of another type."""
    found = getattr(cls, "FORMATS", None)
    return found if isinstance(found, Formats) else None


def find_format_problem(cls: type, document: object) -> Problem | None:
    """Say why this version cannot read ``document`` as a ``cls``, by its format; None if it can."""
    formats = formats_of(cls)
    return formats.find_problem(document) if formats else None


def _spelled(numbers: tuple[int, ...]) -> str:
    return " or ".join(map(str, numbers))
