"""The number that every stored format carries, and which numbers this version reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sidecar.domain.errors import Problem

FORMAT_KEY = "format"


@dataclass(frozen=True, slots=True)
class Formats:
    """A stored type is written in format ``current``, and read in that one and in the ``older`` ones.

    A type declares this as its class variable ``FORMATS``. The number rises when a reader of the previous
    format would misread the new one; a key that readers may ignore does not need a new number.
    """

    current: int
    older: tuple[int, ...] = ()

    @property
    def readable(self) -> tuple[int, ...]:
        return (*self.older, self.current)

    def find_problem(self, document: object) -> Problem | None:
        """Say why ``document`` is in a format that this version does not read; None where it does.

        A document without a format is in format 1: people may write one by hand.
        """
        if not isinstance(document, Mapping):
            return None  # not an object at all, which its reader says better
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
    """The formats that ``cls`` declares; None for what is only ever stored as a part of something else."""
    found = getattr(cls, "FORMATS", None)
    return found if isinstance(found, Formats) else None


def find_format_problem(cls: type, document: object) -> Problem | None:
    """Say why ``document`` is in no format of ``cls`` that this version reads; None where it is."""
    formats = formats_of(cls)
    return formats.find_problem(document) if formats else None


def _spelled(numbers: tuple[int, ...]) -> str:
    return " or ".join(map(str, numbers))
