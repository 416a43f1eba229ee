"""The canonical versions that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sidecar.domain.errors import BadRecord
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Canonical, ChangeKind
from sidecar.domain.records.encoding import decode


@dataclass(frozen=True, slots=True)
class History:
    """The versions in rising order, the current one last; ``unreadable`` names those left out."""

    versions: Mapping[int, Canonical]
    unreadable: tuple[str, ...] = ()

    @property
    def version_ranges(self) -> str:
        """The versions that are kept, as text: ``1 to 3, 5``."""
        runs: list[list[int]] = []
        for version in self.versions:
            if runs and runs[-1][-1] == version - 1:
                runs[-1].append(version)
            else:
                runs.append([version])
        return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs) or "none"

    def rolled_back_by(self, version: int) -> Canonical | None:
        """The rollback that reverted ``version``; None while its change still holds.

        A rollback to the list of ``version`` itself, or of a later version, reverts only those after it.
        """
        since = [each for each in self.versions.values() if each.version >= version]
        for place, each in enumerate(since):
            is_rollback = any(change.kind is ChangeKind.ROLLBACK for change in each.cause)
            if place and is_rollback and all(each.servers != earlier.servers for earlier in since[:place]):
                return each
        return None


def read_history(network: Network) -> History:
    """Decode the history in the listing of ``network``, and add the current version."""
    keys, unreadable = network.keys, list[str]()
    found: dict[int, Canonical] = {}
    for entry in network.listing.entries.values():
        if entry.key not in keys.history_range:
            continue
        try:
            canonical = decode(Canonical, entry.value, entry.key)
        except BadRecord as exc:
            unreadable.append(str(exc))
        else:
            found[canonical.version] = canonical
    if network.canonical:  # it may have been written by hand, without the history
        found[network.canonical.version] = network.canonical
    return History(dict(sorted(found.items())), tuple(unreadable))
