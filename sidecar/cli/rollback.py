"""``sidecar rollback``: go back to the list of an earlier version."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from functools import partial

from sidecar.cli.asking import Wish, ask, asking_parser
from sidecar.cli.operator import Sight
from sidecar.cli.world import World
from sidecar.domain.canonical import Canonical
from sidecar.domain.errors import Refused, UsageError
from sidecar.domain.keys import Keys, Range
from sidecar.domain.membership import RequestKind
from sidecar.domain.records import decode
from sidecar.ports import Store

DESCRIPTION = """\
Publishes the list of an earlier version as a new one. Servers that are not in
it are removed; those in it that were removed since are back."""
EPILOG = """\
example:
  sidecar rollback 41 --reason "fed-4 cannot serve yet\""""
_NUMBER = re.compile(r"[0-9]{1,10}")


def main(argv: Sequence[str], world: World) -> int:
    parser = asking_parser("rollback", "VERSION [OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("version", metavar="VERSION", help=argparse.SUPPRESS)
    asked = parser.parse(argv)
    if not _NUMBER.fullmatch(asked.version):
        raise UsageError(f"{asked.version!r} is not a version: write its number, such as 41")
    return ask(partial(_wish, version=int(asked.version)), asked, world)


async def _wish(store: Store, keys: Keys, sight: Sight, *, version: int) -> Wish:
    present = sight.network.canonical
    if present and present.version == version:
        raise Refused(f"version {version} is the present one; there is nothing to roll back")
    key = keys.history(version)
    entry = (await store.read(Range(key))).entries.get(key)
    if entry is None:
        kept = await _kept(store, keys)
        raise Refused(f"version {version} is not kept; what is kept: {spelled(kept)}")
    servers = decode(Canonical, entry.value, key).servers
    return Wish(RequestKind.ROLLBACK, f"roll back to version {version}", str(version), servers.urls)


async def _kept(store: Store, keys: Keys) -> list[int]:
    listing = await store.read(Range.prefix(keys.history(0).removesuffix("0" * 10)))
    names = (keys.name_of(key)[-1] for key in listing.entries)
    return sorted(int(name) for name in names if _NUMBER.fullmatch(name))


def spelled(versions: Sequence[int]) -> str:
    """Sorted ``versions`` with runs drawn together: ``3 to 7, 9``."""
    runs: list[tuple[int, int]] = []
    for version in versions:
        if runs and runs[-1][1] == version - 1:
            runs[-1] = (runs[-1][0], version)
        else:
            runs.append((version, version))
    texts = (str(first) if first == last else f"{first} to {last}" for first, last in runs)
    return ", ".join(texts) or "nothing"
