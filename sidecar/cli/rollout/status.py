"""``sidecar rollout status``: the progress of the newest version, and what blocks it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import anyio

from sidecar.cli.rollout.status_text import (
    TITLES,
    RolloutStatus,
    footnote_lines,
    headline,
    make_status,
    progress_bars,
    row,
    status_to_json,
    text_bar,
)
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.follow import follow_network
from sidecar.cli.shared.messages import no_list_message
from sidecar.cli.shared.output import json_line, print_json, print_table
from sidecar.cli.shared.parser import Parser, add_network_settings
from sidecar.cli.shared.snapshot import Snapshot, read_snapshot, run_with_store
from sidecar.domain.errors import ExitCode
from sidecar.domain.printing import printable
from sidecar.domain.records.keys import Keys
from sidecar.domain.rollout.summary import RolloutPhase
from sidecar.ports import Store

DESCRIPTION = "Shows the progress of the newest version of the list, and what blocks it."
EPILOG = """\
LIST: the version that the process has loaded. GRANT: age of its restart grant.

example:
  sidecar rollout status --watch"""
REDRAW_INTERVAL = 1.0  # a terminal shows the age of grants


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("rollout status", "[--watch] [OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--watch", action="store_true", help="follow the rollout until it has ended")
    parser.add_argument(
        "--json", action="store_true", help="print JSON (null: no list; --watch: a line per change)"
    )
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(arguments, context, partial(_show, arguments=arguments, context=context))


async def _show(store: Store, keys: Keys, *, arguments: argparse.Namespace, context: CommandContext) -> int:
    # First a plain read: an etcd that is unreachable is an error now, and an outage later.
    snapshot = await read_snapshot(store, keys)
    if arguments.watch:
        watch = _watch_lines if arguments.json or not context.out.isatty() else _watch_screen
        await watch(store, keys, context, arguments)
        return ExitCode.OK
    status = make_status(snapshot, time.time())
    if arguments.json:
        print_json(context.out, status and status_to_json(status))
    elif status is None:
        context.out.write(f"{no_list_message(keys)}\n")
    else:
        _print(context, status)
    return ExitCode.OK


def _print(context: CommandContext, status: RolloutStatus) -> None:
    if context.out.isatty():
        from sidecar.cli.rollout.status_screen import print_status  # noqa: PLC0415 - rich, for terminals alone

        print_status(context.out, status)
        return
    context.out.write(f"{printable(headline(status))}\n")
    for name, done, total in progress_bars(status):
        context.out.write(f"{name:<14}  {text_bar(done, total)}  {done}/{total}\n")
    context.out.write("\n")
    print_table(context.out, TITLES, [row(status, node) for node in status.rollout.nodes])
    notes = list(footnote_lines(status))
    context.out.writelines(["\n"] if notes else [])
    context.out.writelines(f"{printable(text)}\n" for text in notes)


async def _watch_screen(store: Store, keys: Keys, context: CommandContext, _: argparse.Namespace) -> None:
    from sidecar.cli.rollout.status_screen import open_screen, render_status  # noqa: PLC0415 - rich, for terminals alone

    with open_screen(context.out, context.err) as screen:
        latest: list[Snapshot] = []

        def draw() -> RolloutStatus | None:
            status = make_status(latest[-1], time.time()) if latest else None
            screen.draw(render_status(status) if status else f"{no_list_message(keys)}\n")
            return status

        def show(snapshot: Snapshot) -> bool:
            latest[:] = [snapshot]
            status = draw()
            return status is not None and status.finished

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_redraw_periodically, draw)
            await follow_network(store, keys, on_snapshot=show, err=screen.err)
            tasks.cancel_scope.cancel()


async def _redraw_periodically(draw: Callable[[], object]) -> None:
    while True:
        await anyio.sleep(REDRAW_INTERVAL)
        draw()


async def _watch_lines(
    store: Store, keys: Keys, context: CommandContext, arguments: argparse.Namespace
) -> None:
    """Print the status, then one line for each change."""
    last: list[RolloutStatus | None] = []

    def show(snapshot: Snapshot) -> bool:
        status = make_status(snapshot, time.time())
        if arguments.json:
            lines: list[str] = _json_lines(last, status)
        elif status is None:
            lines = [] if last else [f"{no_list_message(keys)}\n"]
        elif not last or last[-1] is None:
            lines = []
            _print(context, status)
        else:
            lines = [f"{printable(line)}\n" for line in _changes(last[-1], status)]
        context.out.writelines(lines)
        context.out.flush()
        last[:] = [status]
        return status is not None and status.finished

    await follow_network(store, keys, on_snapshot=show, err=context.err)


def _json_lines(last: Sequence[RolloutStatus | None], status: RolloutStatus | None) -> list[str]:
    document = status and status_to_json(status)
    if last and (last[-1] and status_to_json(last[-1])) == document:
        return []
    return [json_line(document)]


def _changes(before: RolloutStatus, after: RolloutStatus) -> Iterator[str]:
    shown = {node.node_id: (node.progress, node.reason) for node in before.rollout.nodes}
    where = f"version {after.rollout.version}, {after.done}/{len(after.rollout.nodes)}"
    for node in after.rollout.nodes:
        if shown.pop(node.node_id, None) != (node.progress, node.reason):
            yield f"{where}: {node.node_id} {node.progress.value}: {node.reason}"
    for gone in shown:
        yield f"{where}: {gone} is no longer a member"
    # The lines of the nodes already show the progress of a running rollout.
    is_known = (
        before.summary.phase is after.summary.phase is RolloutPhase.RUNNING or before.summary == after.summary
    )
    if not is_known or before.rollout.version != after.rollout.version:
        yield f"{where}: {after.summary.phase.value}: {after.summary.reason}"
