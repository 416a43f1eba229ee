"""What a sample is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sidecar.domain.records.formats import Formats

KEPT = Path(__file__).parent / "kept"


@dataclass(frozen=True, slots=True)
class Sample:
    """One format: how ``value`` is written, and read again (None: only scripts read it).

    ``declared_in`` says where the number of the format stands in the code.
    """

    name: str
    formats: Formats
    declared_in: str
    value: object
    write: Callable[[], bytes]
    read: Callable[[bytes], object] | None = None
    suffix: str = ".json"

    @property
    def path(self) -> Path:
        """Where the sample of the present format is kept."""
        return self.path_of(self.formats.current)

    def path_of(self, number: int) -> Path:
        return KEPT / f"{self.name}-{number}{self.suffix}"


def name_of(kind: type) -> str:
    """``RolloutBlock`` as ``rollout-block``."""
    letters = (f"-{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__)
    return "".join(letters).removeprefix("-")
