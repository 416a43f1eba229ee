"""``sidecar rollout status``: how far the newest list is, and what holds it up."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import anyio

from sidecar.cli.rollout.text import (
    TITLES,
    Status,
    bars,
    footnotes,
    headline,
    plain_bar,
    row,
    status_of,
    to_document,
)
from sidecar.cli.shared.context import World
from sidecar.cli.shared.follow import follow_network
from sidecar.cli.shared.output import print_json, print_table
from sidecar.cli.shared.parser import Parser, add_settings
from sidecar.cli.shared.snapshot import Sight, at_work, look
from sidecar.domain.errors import ExitCode
from sidecar.domain.printing import printable
from sidecar.domain.records.keys import Keys
from sidecar.domain.rollout.summary import State
from sidecar.ports import Store

DESCRIPTION = "Shows how far the newest version of the list is, and what holds it up."
EPILOG = """\
LIST: the version a node's process runs on. TURN: since when it may restart.

example:
  sidecar rollout status --watch"""
EACH_SECOND = 1.0  # a terminal shows how long turns take


def main(argv: Sequence[str], world: World) -> int:
    parser = Parser("rollout status", "[--watch] [OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--watch", action="store_true", help="go on until the rollout has ended")
    parser.add_argument(
        "--json", action="store_true", help="for scripts (null: no list; --watch: a line each)"
    )
    add_settings(parser)
    asked = parser.parse(argv)
    return at_work(asked, world, partial(_show, asked=asked, world=world))


async def _show(store: Store, keys: Keys, *, asked: argparse.Namespace, world: World) -> int:
    # Before it is followed: an etcd that is not there is an error, one that goes away is waited for.
    sight = await look(store, keys)
    if asked.watch:
        watch = _watch_lines if asked.json or not world.out.isatty() else _watch_screen
        await watch(store, keys, world, asked)
        return ExitCode.OK
    status = status_of(sight, time.time())
    if asked.json:
        print_json(world.out, status and to_document(status))
    elif status is None:
        world.out.write(_no_list(keys))
    else:
        _print(world, status)
    return ExitCode.OK


def _no_list(keys: Keys) -> str:
    return f"network {keys.network} has no list yet: none of its servers has led it\n"


def _print(world: World, status: Status) -> None:
    if world.out.isatty():
        from sidecar.cli.rollout.screen import print_status  # noqa: PLC0415 - rich, for terminals alone

        print_status(world.out, status)
        return
    world.out.write(f"{printable(headline(status))}\n")
    for name, done, total in bars(status):
        world.out.write(f"{name:<14}  {plain_bar(done, total)}  {done}/{total}\n")
    world.out.write("\n")
    print_table(world.out, TITLES, [row(status, place) for place in status.survey.places])
    notes = list(footnotes(status))
    world.out.writelines(["\n"] if notes else [])
    world.out.writelines(f"{printable(text)}\n" for text in notes)


async def _watch_screen(store: Store, keys: Keys, world: World, _: argparse.Namespace) -> None:
    from sidecar.cli.rollout.screen import picture, screen  # noqa: PLC0415 - rich, for terminals alone

    with screen(world.out, world.err) as drawn:
        seen: list[Sight] = []

        def draw() -> Status | None:
            status = status_of(seen[-1], time.time()) if seen else None
            drawn.draw(picture(status) if status else _no_list(keys))
            return status

        def show(sight: Sight) -> bool:
            seen[:] = [sight]
            status = draw()
            return status is not None and status.over

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_each_second, draw)
            await follow_network(store, keys, seen=show, err=drawn.err)
            tasks.cancel_scope.cancel()


async def _each_second(draw: Callable[[], object]) -> None:
    while True:
        await anyio.sleep(EACH_SECOND)
        draw()


async def _watch_lines(store: Store, keys: Keys, world: World, asked: argparse.Namespace) -> None:
    """Print the whole, then what changes, a line each."""
    last: list[Status | None] = []

    def show(sight: Sight) -> bool:
        status = status_of(sight, time.time())
        if asked.json:
            lines: list[str] = _documents(last, status)
        elif status is None:
            lines = [] if last else [_no_list(keys)]
        elif not last or last[-1] is None:
            lines = []
            _print(world, status)
        else:
            lines = [f"{printable(line)}\n" for line in _changes(last[-1], status)]
        world.out.writelines(lines)
        world.out.flush()
        last[:] = [status]
        return status is not None and status.over

    await follow_network(store, keys, seen=show, err=world.err)


def _documents(last: Sequence[Status | None], status: Status | None) -> list[str]:
    document = status and to_document(status)
    if last and (last[-1] and to_document(last[-1])) == document:
        return []
    return [json.dumps(document, ensure_ascii=False) + "\n"]


def _changes(before: Status, after: Status) -> Iterator[str]:
    known = {place.node_id: (place.progress, place.reason) for place in before.survey.places}
    where = f"version {after.survey.version}, {after.done}/{len(after.survey.places)}"
    for place in after.survey.places:
        if known.pop(place.node_id, None) != (place.progress, place.reason):
            yield f"{where}: {place.node_id} {place.progress.value}: {place.reason}"
    for gone in known:
        yield f"{where}: {gone} is no member any more"
    # What it runs through is said of the nodes already.
    told = before.outlook.state is after.outlook.state is State.RUNNING or before.outlook == after.outlook
    if not told or before.survey.version != after.survey.version:
        yield f"{where}: {after.outlook.state.value}: {after.outlook.why}"
