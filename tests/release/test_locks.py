"""requirements/*.lock: every dependency within its range, with its hashes, on each supported Python."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.lock import LOCKS, ranges

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
RANGES = ranges()


@dataclass(frozen=True, slots=True)
class Pinned:
    """One entry of a lock."""

    name: str
    version: Version
    marker: Marker | None
    hashes: tuple[str, ...]

    def on(self, python: str) -> bool:
        """Whether it is installed on that Python."""
        if self.marker is None:
            return True
        return self.marker.evaluate({"python_version": python, "python_full_version": f"{python}.0"})


def entries(lock: Path) -> list[Pinned]:
    """Return every entry of ``lock``, which holds nothing else but comments."""
    text = re.sub(r"^ *#.*\n", "", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [parsed(line) for line in text.replace("\\\n", " ").splitlines()]


def parsed(line: str) -> Pinned:
    requirement, *hashes = re.split(r"\s+--hash=", line.strip())
    found = Requirement(requirement)
    (pin,) = found.specifier
    assert (pin.operator, found.url) == ("==", None), line
    return Pinned(canonicalize_name(found.name), Version(pin.version), found.marker, tuple(hashes))


def test_there_is_a_lock_for_each_group_and_no_other() -> None:
    assert {lock.stem for lock in LOCKS.glob("*")} == set(RANGES)


@pytest.mark.parametrize("name", RANGES)
def test_each_entry_has_a_sha256(name: str) -> None:
    for entry in entries(LOCKS / f"{name}.lock"):
        assert entry.hashes, entry.name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in entry.hashes), entry.name


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", RANGES)
def test_each_range_is_satisfied(name: str, python: str) -> None:
    pinned = [entry for entry in entries(LOCKS / f"{name}.lock") if entry.on(python)]
    versions = {entry.name: entry.version for entry in pinned}
    assert len(versions) == len(pinned)
    for wanted in map(Requirement, RANGES[name]):
        assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)], prereleases=True), wanted


@pytest.mark.parametrize("name", sorted(set(RANGES) - {"dev", "release"}))
def test_no_lock_disagrees_with_that_of_the_tests(name: str) -> None:
    tested = {entry.name: entry.version for entry in entries(LOCKS / "dev.lock")}
    shared = [entry for entry in entries(LOCKS / f"{name}.lock") if entry.name in tested]
    assert shared
    assert all(entry.version == tested[entry.name] for entry in shared)
