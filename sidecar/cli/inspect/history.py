"""``sidecar history``: the versions of the canonical list that are kept."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import cast

from sidecar.cli.shared.context import World
from sidecar.cli.shared.output import print_json, print_table
from sidecar.cli.shared.parser import Parser, add_settings, version
from sidecar.cli.shared.snapshot import Sight, at_work, look, warn_of
from sidecar.domain.errors import ExitCode
from sidecar.domain.network.history import History, read_history
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.keys import Keys
from sidecar.ports import Store

DESCRIPTION = "Shows the versions of the list that are kept, newest first, and what made each."
EPILOG = """\
healthy: the last one that every node was healthy on; quarantined: rolled back.

example:
  sidecar history -n 5 && sidecar diff 4"""


MOST_CAUSES = 3  # a hundred newcomers may have come at a time


def main(argv: Sequence[str], world: World) -> int:
    parser = Parser("history", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("-n", dest="most", type=_count, metavar="N", help="the newest N alone")
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_settings(parser)
    namespace = parser.parse(argv)
    show = partial(_show, world=world, as_json=namespace.json, most=namespace.most)
    return at_work(namespace, world, show)


def _count(text: str) -> int:
    try:
        return version(text)
    except argparse.ArgumentTypeError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1") from exc


async def look_back(store: Store, keys: Keys) -> tuple[Sight, History]:
    """One look at the network and at its history."""
    sight = await look(store, keys, keys.versions)
    history = read_history(sight.network)
    warn_of(history.unreadable)
    return sight, history


async def _show(store: Store, keys: Keys, *, world: World, as_json: bool, most: int | None) -> int:
    sight, history = await look_back(store, keys)
    versions = sorted(history.versions.values(), key=lambda each: -each.version)[:most]
    if as_json:
        print_json(world.out, [_to_json(sight, each) for each in versions])
    elif not versions:
        world.out.write(f"network {keys.network} has no list yet: none of its servers has led it\n")
    else:
        _print(world, sight, versions)
    return ExitCode.OK


def _print(world: World, sight: Sight, versions: Sequence[Canonical]) -> None:
    rows = [
        (
            str(each.version),
            each.at,
            each.author,
            str(len(each.servers)),
            ", ".join(_marks(sight, each)),
            _causes(each),
        )
        for each in versions
    ]
    print_table(world.out, ("VERSION", "AT", "BY", "SERVERS", "IS", "CAUSE"), rows)


def _marks(sight: Sight, canonical: Canonical) -> list[str]:
    network = sight.network
    said = {
        "present": network.canonical is not None and network.canonical.version == canonical.version,
        "healthy": network.healthy is not None and network.healthy.version == canonical.version,
        "quarantined": _quarantine(sight, canonical) is not None,
    }
    return [mark for mark, holds in said.items() if holds]


def _quarantine(sight: Sight, canonical: Canonical) -> str | None:
    """Why that version must not be published again."""
    return next((q.reason for q in sight.network.quarantined if q.version == canonical.version), None)


def _causes(canonical: Canonical) -> str:
    shown = [change.told for change in canonical.cause[:MOST_CAUSES]]
    more = len(canonical.cause) - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more else [])])


def _to_json(sight: Sight, canonical: Canonical) -> dict[str, object]:
    document, marks = cast("dict[str, object]", to_json(canonical)), _marks(sight, canonical)
    return document | {
        "present": "present" in marks,
        "healthy": "healthy" in marks,
        "quarantined": _quarantine(sight, canonical),
    }
