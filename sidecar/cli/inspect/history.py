"""``sidecar history``: the versions of the canonical list that are kept."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import cast

from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.messages import no_list_message
from sidecar.cli.shared.output import print_json, print_table
from sidecar.cli.shared.parser import Parser, add_network_settings, version
from sidecar.cli.shared.snapshot import Snapshot, read_snapshot, run_with_store, warn_unreadable
from sidecar.domain.errors import ExitCode
from sidecar.domain.network.history import History, read_history
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.keys import Keys
from sidecar.ports import Store

DESCRIPTION = "Lists the versions of the list that are kept, newest first, with their causes."
EPILOG = """\
healthy: all nodes were healthy on that version; quarantined: rolled back.

example:
  sidecar history -n 5 && sidecar diff 4"""


MAX_CAUSES = 3  # a hundred servers may have joined at once


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("history", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("-n", dest="limit", type=_parse_limit, metavar="N", help="show only the newest N")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_network_settings(parser)
    arguments = parser.parse(argv)
    show = partial(_show, context=context, as_json=arguments.json, limit=arguments.limit)
    return run_with_store(arguments, context, show)


def _parse_limit(text: str) -> int:
    try:
        return version(text)
    except argparse.ArgumentTypeError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1") from exc


async def read_with_history(store: Store, keys: Keys) -> tuple[Snapshot, History]:
    """Read the network and its history at one revision."""
    snapshot = await read_snapshot(store, keys, keys.history_range)
    history = read_history(snapshot.network)
    warn_unreadable(history.unreadable)
    return snapshot, history


async def _show(
    store: Store, keys: Keys, *, context: CommandContext, as_json: bool, limit: int | None
) -> int:
    snapshot, history = await read_with_history(store, keys)
    versions = sorted(history.versions.values(), key=lambda each: -each.version)[:limit]
    if as_json:
        print_json(context.out, [_to_json(snapshot, each) for each in versions])
    elif not versions:
        context.out.write(f"{no_list_message(keys)}\n")
    else:
        _print(context, snapshot, versions)
    return ExitCode.OK


def _print(context: CommandContext, snapshot: Snapshot, versions: Sequence[Canonical]) -> None:
    rows = [
        (
            str(each.version),
            each.at,
            each.author,
            str(len(each.servers)),
            ", ".join(_marks(snapshot, each)),
            _causes(each),
        )
        for each in versions
    ]
    print_table(context.out, ("VERSION", "AT", "BY", "SERVERS", "IS", "CAUSE"), rows)


def _marks(snapshot: Snapshot, canonical: Canonical) -> list[str]:
    network = snapshot.network
    applies = {
        "current": network.canonical is not None and network.canonical.version == canonical.version,
        "healthy": network.rollout.last_healthy is not None
        and network.rollout.last_healthy.version == canonical.version,
        "quarantined": _quarantine(snapshot, canonical) is not None,
    }
    return [mark for mark, holds in applies.items() if holds]


def _quarantine(snapshot: Snapshot, canonical: Canonical) -> str | None:
    """Why that version must not be published again."""
    return next(
        (q.reason for q in snapshot.network.rollout.quarantines if q.version == canonical.version), None
    )


def _causes(canonical: Canonical) -> str:
    shown = [change.description for change in canonical.cause[:MAX_CAUSES]]
    more = len(canonical.cause) - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more else [])])


def _to_json(snapshot: Snapshot, canonical: Canonical) -> dict[str, object]:
    document, marks = cast("dict[str, object]", to_json(canonical)), _marks(snapshot, canonical)
    return document | {
        "current": "current" in marks,
        "healthy": "healthy" in marks,
        "quarantine_reason": _quarantine(snapshot, canonical),
    }
