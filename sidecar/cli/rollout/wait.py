"""``sidecar wait``: returns when every node has loaded a version of the list."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TextIO

import anyio

from sidecar.cli.rollout.text import NOBODY
from sidecar.cli.shared.context import World
from sidecar.cli.shared.follow import follow_network, note
from sidecar.cli.shared.output import print_json
from sidecar.cli.shared.parser import Parser, add_settings, seconds, version
from sidecar.cli.shared.snapshot import Sight, at_work, list_of, look
from sidecar.domain.errors import ExitCode, Refused, StoreUnavailable, Transient
from sidecar.domain.network.history import read_history
from sidecar.domain.network.snapshot import Network
from sidecar.domain.printing import printable
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.keys import Keys
from sidecar.domain.rollout.assessment import Survey, survey
from sidecar.domain.rollout.node_progress import Place, Progress, well
from sidecar.domain.rollout.summary import State, outlook
from sidecar.domain.servers import ServerUrl
from sidecar.ports import Store

DESCRIPTION = """\
Waits until every node that is not paused or skipped runs, healthy, on a version
of the list or a later one. Exits with 69 when time is up, 77 if it was undone."""
EPILOG = """\
example:
  sidecar wait --version 7 --timeout 600"""

HELD_UP = (State.PAUSED, State.HALTED)
LEFT_OUT = (Progress.PAUSED, Progress.SKIPPED)


def main(argv: Sequence[str], world: World) -> int:
    parser = Parser("wait", "[--version N] [--timeout SECONDS] [OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--version", type=version, metavar="N", help="this one (the newest at the call)")
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help="give up after that (never)")
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_settings(parser)
    asked = parser.parse(argv)
    return at_work(asked, world, partial(_wait, asked=asked, world=world))


@dataclass(frozen=True, slots=True)
class Standing:
    """Who has loaded a version, who is to do so yet, and who is not waited for.

    ``unseen``: the servers of the list that nobody ever heard of.
    """

    version: int
    loaded: tuple[Place, ...]
    missing: tuple[Place, ...]
    left_out: tuple[Place, ...]
    unseen: tuple[ServerUrl, ...] = ()

    @property
    def over(self) -> bool:
        return not self.missing and not self.unseen and bool(self.loaded or self.left_out)

    @property
    def who_is_missing(self) -> str:
        unseen = [f"the server at {url} was never seen" for url in self.unseen]
        return "; ".join((*_each(self.missing), *unseen)) or "no node of the network is known yet"


def standing(network: Network, canonical: Canonical, seen: Survey, wanted: int) -> Standing:
    """Look who runs, healthy, on version ``wanted`` or later. ``seen`` is the rollout of ``canonical``."""
    loaded, left_out, missing = list[Place](), list[Place](), list[Place]()
    for place in seen.places:
        report = network.reports.get(place.node_id)
        if report and well(report) and report.loaded_version >= wanted:
            loaded.append(place)
        else:
            (left_out if place.progress in LEFT_OUT else missing).append(place)
    known = {member.url for member in network.members_of(canonical)}
    unseen = tuple(url for url in canonical.servers if url not in known)
    return Standing(wanted, tuple(loaded), tuple(missing), tuple(left_out), unseen)


def taken_back(network: Network, wanted: int) -> str | None:
    """Say why version ``wanted`` will not be loaded any more; None where it may."""
    quarantine = next((each for each in network.quarantined if each.version == wanted), None)
    if quarantine:
        return f"version {wanted} is quarantined, since {quarantine.at}: {quarantine.reason}"
    by = read_history(network).undone_by(wanted)
    if by:
        why = "; ".join(change.told for change in by.cause)
        return f"version {wanted} was taken back by version {by.version}, at {by.at}: {why}"
    return None


@dataclass(slots=True)
class _Watch:
    """What has been seen, and what was said of it already."""

    wanted: int
    err: TextIO
    last: Standing | None = None
    refusal: str | None = None
    told: set[str] = field(default_factory=set)

    def see(self, sight: Sight) -> bool:
        """Whether the waiting is over."""
        network, canonical = sight.network, sight.network.canonical
        self.refusal = taken_back(network, self.wanted)
        if self.refusal:
            return True
        if canonical is None or canonical.version < self.wanted:
            newest = f"the newest is {canonical.version}" if canonical else "there is no list yet"
            self._tell(f"version {self.wanted} does not exist yet, {newest}: waiting for it")
            return False
        seen = survey(network, canonical, sight.leader or NOBODY, time.time())
        self.last = standing(network, canonical, seen, self.wanted)
        for place in self.last.left_out:
            self._tell(f"{place.node_id} is not waited for: it {place.reason}")
        for url in self.last.unseen:
            self._tell(
                f"the server at {url} was never seen: waiting for it; `sidecar remove {url}` gives it up"
            )
        state = outlook(seen, led=sight.leader is not None)
        if not self.last.over and state.state in HELD_UP:
            self._tell(f"the rollout is {state.state.value}: {state.why}; still waiting")
        elif not self.last.over and network.standstill:
            self._tell(f"the rollout is {network.standstill}; still waiting")
        return self.last.over

    def _tell(self, text: str) -> None:
        if text not in self.told:
            note(self.err, text)
        self.told.add(text)


async def _wait(store: Store, keys: Keys, *, asked: argparse.Namespace, world: World) -> int:
    # Before it is followed: an etcd that is not there is an error, one that goes away is waited for.
    sight = await look(store, keys)
    watch = _Watch(asked.version or list_of(sight).version, world.err)
    with anyio.move_on_after(asked.timeout or float("inf")) as limit:
        await _until_over(store, keys, watch)
    if limit.cancelled_caught:
        who = watch.last.who_is_missing if watch.last else "it does not exist yet"
        raise Transient(f"version {watch.wanted} is not loaded by all within {asked.timeout:g} s: {who}")
    if watch.refusal:
        raise Refused(watch.refusal)
    if watch.last:
        _print(world, watch.last, as_json=asked.json)
    return ExitCode.OK


async def _until_over(store: Store, keys: Keys, watch: _Watch) -> None:
    while True:
        await follow_network(store, keys, keys.versions, seen=watch.see, err=watch.err)
        # The watch of one range may lag behind another's: who has loaded a version may be seen before the
        # version is. So the end is judged from one look.
        with contextlib.suppress(StoreUnavailable):
            if watch.see(await look(store, keys, keys.versions)):
                return


def _print(world: World, found: Standing, *, as_json: bool) -> None:
    if as_json:
        names = {"loaded": found.loaded, "left_out": found.left_out}
        lists = {key: [place.node_id for place in places] for key, places in names.items()}
        print_json(world.out, {"version": found.version, **lists})
        return
    count = len(found.loaded)
    who = f"{count} node{'' if count == 1 else 's'} run{'s' if count == 1 else ''} on version {found.version}"
    left_out = f"; not waited for: {'; '.join(_each(found.left_out))}" if found.left_out else ""
    world.out.write(f"{who} or a later one{printable(left_out)}\n")


def _each(places: Sequence[Place]) -> list[str]:
    return [f"{place.node_id} {place.reason}" for place in places]
