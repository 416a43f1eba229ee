"""``sidecar wait``: waits until every node has loaded a version of the list."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TextIO

import anyio

from sidecar.cli.rollout.status_text import NO_NODE
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.follow import follow_network, note
from sidecar.cli.shared.output import print_json
from sidecar.cli.shared.parser import Parser, add_network_settings, seconds, version
from sidecar.cli.shared.snapshot import Snapshot, read_snapshot, require_canonical, run_with_store
from sidecar.domain.errors import ExitCode, Refused, StoreUnavailable, Transient
from sidecar.domain.network.history import read_history
from sidecar.domain.network.snapshot import Network
from sidecar.domain.printing import printable
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.keys import Keys
from sidecar.domain.rollout.assessment import RolloutState, assess
from sidecar.domain.rollout.node_progress import NodeProgress, Progress
from sidecar.domain.rollout.summary import RolloutPhase, summarize
from sidecar.domain.servers import ServerUrl
from sidecar.ports import Store

DESCRIPTION = """\
Waits until every node that is not paused or skipped is healthy on a version, or
a later one. Exits with 69 after --timeout, with 77 if it was rolled back."""
EPILOG = """\
example:
  sidecar wait --version 7 --timeout 600"""

BLOCKED_STATES = (RolloutPhase.PAUSED, RolloutPhase.HALTED)
EXCLUDED = (Progress.PAUSED, Progress.SKIPPED)


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("wait", "[--version N] [--timeout SECONDS] [OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument(
        "--version", type=version, metavar="N", help="version to wait for (default: the newest one)"
    )
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help="time to wait (default: no limit)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(arguments, context, partial(_wait, arguments=arguments, context=context))


@dataclass(frozen=True, slots=True)
class WaitProgress:
    """The nodes that have loaded a version, those that have not, and those that do not count.

    ``never_reported``: servers of the list that have never reported.
    """

    version: int
    loaded: tuple[NodeProgress, ...]
    unfinished: tuple[NodeProgress, ...]
    excluded: tuple[NodeProgress, ...]
    never_reported: tuple[ServerUrl, ...] = ()

    @property
    def complete(self) -> bool:
        return not self.unfinished and not self.never_reported and bool(self.loaded or self.excluded)

    @property
    def unfinished_summary(self) -> str:
        never_reported = [f"the server at {url} has never reported" for url in self.never_reported]
        return (
            "; ".join((*_describe(self.unfinished), *never_reported)) or "no node of the network is known yet"
        )


def measure_progress(
    network: Network, canonical: Canonical, rollout: RolloutState, wanted: int
) -> WaitProgress:
    """The nodes that serve version ``wanted`` or later. ``rollout`` is the rollout of ``canonical``."""
    loaded, excluded, unfinished = list[NodeProgress](), list[NodeProgress](), list[NodeProgress]()
    for node in rollout.nodes:
        report = network.reports.get(node.node_id)
        if report and report.serves and report.loaded_version >= wanted:
            loaded.append(node)
        else:
            (excluded if node.progress in EXCLUDED else unfinished).append(node)
    member_urls = {member.url for member in network.members_of(canonical)}
    never_reported = tuple(url for url in canonical.servers if url not in member_urls)
    return WaitProgress(wanted, tuple(loaded), tuple(unfinished), tuple(excluded), never_reported)


def why_undone(network: Network, wanted: int) -> str | None:
    """Why version ``wanted`` will not be loaded any more; None if it may be."""
    quarantine = next((each for each in network.rollout.quarantines if each.version == wanted), None)
    if quarantine:
        return f"version {wanted} is quarantined since {quarantine.at}: {quarantine.reason}"
    by = read_history(network).rolled_back_by(wanted)
    if by:
        why = "; ".join(change.description for change in by.cause)
        return f"version {wanted} was rolled back by version {by.version} at {by.at}: {why}"
    return None


@dataclass(slots=True)
class _Waiter:
    """The last progress, and what was already reported."""

    wanted: int
    err: TextIO
    last: WaitProgress | None = None
    refusal: str | None = None
    reported: set[str] = field(default_factory=set)

    def update(self, snapshot: Snapshot) -> bool:
        """Return whether the wait is over."""
        network, canonical = snapshot.network, snapshot.network.canonical
        self.refusal = why_undone(network, self.wanted)
        if self.refusal:
            return True
        if canonical is None or canonical.version < self.wanted:
            newest = f"the newest is {canonical.version}" if canonical else "there is no list yet"
            self._report_once(f"version {self.wanted} does not exist yet ({newest}); still waiting")
            return False
        rollout = assess(network, canonical, snapshot.leader or NO_NODE, time.time())
        self.last = measure_progress(network, canonical, rollout, self.wanted)
        for node in self.last.excluded:
            self._report_once(f"{node.node_id} does not count: it {node.reason}")
        for url in self.last.never_reported:
            self._report_once(
                f"the server at {url} has never reported; still waiting "
                f"(to stop waiting: `sidecar remove {url}`)"
            )
        state = summarize(rollout, has_leader=snapshot.leader is not None)
        if not self.last.complete and state.phase in BLOCKED_STATES:
            self._report_once(f"the rollout is {state.phase.value}: {state.reason}; still waiting")
        elif not self.last.complete and network.rollout.block:
            self._report_once(f"the rollout is {network.rollout.block}; still waiting")
        return self.last.complete

    def _report_once(self, text: str) -> None:
        if text not in self.reported:
            note(self.err, text)
        self.reported.add(text)


async def _wait(store: Store, keys: Keys, *, arguments: argparse.Namespace, context: CommandContext) -> int:
    # First a plain read: an etcd that is unreachable is an error now, and an outage later.
    snapshot = await read_snapshot(store, keys)
    watch = _Waiter(arguments.version or require_canonical(snapshot).version, context.err)
    with anyio.move_on_after(arguments.timeout or float("inf")) as limit:
        await _wait_until_complete(store, keys, watch)
    if limit.cancelled_caught:
        unfinished = watch.last.unfinished_summary if watch.last else "it does not exist yet"
        raise Transient(
            f"not all nodes loaded version {watch.wanted} within {arguments.timeout:g} s: {unfinished}"
        )
    if watch.refusal:
        raise Refused(watch.refusal)
    if watch.last:
        _print(context, watch.last, as_json=arguments.json)
    return ExitCode.OK


async def _wait_until_complete(store: Store, keys: Keys, watch: _Waiter) -> None:
    while True:
        await follow_network(store, keys, keys.history_range, on_snapshot=watch.update, err=watch.err)
        # The watch of one range may lag behind another's: a report may arrive before the version that it
        # names. So the end is decided by one read of everything.
        with contextlib.suppress(StoreUnavailable):
            if watch.update(await read_snapshot(store, keys, keys.history_range)):
                return


def _print(context: CommandContext, found: WaitProgress, *, as_json: bool) -> None:
    if as_json:
        names = {"loaded": found.loaded, "excluded": found.excluded}
        lists = {key: [node.node_id for node in nodes] for key, nodes in names.items()}
        print_json(context.out, {"version": found.version, **lists})
        return
    count = len(found.loaded)
    nodes = (
        f"{count} node{'' if count == 1 else 's'} run{'s' if count == 1 else ''} on version {found.version}"
    )
    excluded = f"; not counted: {'; '.join(_describe(found.excluded))}" if found.excluded else ""
    context.out.write(f"{nodes} or a later one{printable(excluded)}\n")


def _describe(nodes: Sequence[NodeProgress]) -> list[str]:
    return [f"{node.node_id} {node.reason}" for node in nodes]
