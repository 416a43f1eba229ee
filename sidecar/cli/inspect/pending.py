"""``sidecar pending``: who asks to join, and what each waits for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from sidecar.cli.shared.context import World
from sidecar.cli.shared.output import ago, print_json, print_table
from sidecar.cli.shared.parser import Parser, add_settings
from sidecar.cli.shared.snapshot import Sight, at_work, look
from sidecar.domain.errors import ExitCode
from sidecar.domain.leader.requests import judge, open_requests
from sidecar.domain.membership.join_batching import is_newcomers
from sidecar.domain.network.context import timestamp
from sidecar.domain.network.results import Case
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import Request, VerdictKind
from sidecar.domain.records.policy import Admission, AdmissionProbe
from sidecar.domain.servers import ServerList
from sidecar.ports import Store

DESCRIPTION = "Shows which servers ask to join the network, and what each waits for."
EPILOG = """\
example:
  sidecar pending && sidecar approve fed-4"""


class Wait(StrEnum):
    """What a newcomer waits for."""

    APPROVAL = "approval"
    PROBE = "probe"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """One open wish to join."""

    request: Request
    wait: Wait
    reason: str


def main(argv: Sequence[str], world: World) -> int:
    parser = Parser("pending", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_settings(parser)
    namespace = parser.parse(argv)
    return at_work(namespace, world, partial(_show, world=world, as_json=namespace.json))


async def _show(store: Store, keys: Keys, *, world: World, as_json: bool) -> int:
    sight = await look(store, keys)
    newcomers = list(newcomers_of(sight, time.time()))
    if as_json:
        print_json(world.out, list(map(_to_json, newcomers)))
        return ExitCode.OK
    admission = f"admission is {sight.network.policy.admission.value}"
    if not newcomers:
        world.out.write(f"nobody asks to join network {keys.network}; {admission}\n")
        return ExitCode.OK
    print_table(world.out, ("NODE", "URL", "FOR", "WAITS FOR", "WHY"), list(map(_row, newcomers)))
    world.out.write(f"\n{admission}\n{_next_step(newcomers)}")
    return ExitCode.OK


def newcomers_of(sight: Sight, now: float) -> Iterator[Newcomer]:
    """Who asks to join, the oldest first. ``now``: seconds since the epoch."""
    canonical = sight.network.canonical
    servers = canonical.servers if canonical else ServerList(())
    for _, request in open_requests(sight.network):
        if is_newcomers(request, servers):
            yield Newcomer(request, *_waits_for(sight, request, now))


def _waits_for(sight: Sight, request: Request, now: float) -> tuple[Wait, str]:
    network, leader = sight.network, sight.leader
    told = next((v for node, v in network.verdicts.items() if node == request.subject), None)
    if told and told.kind is VerdictKind.PENDING and told.attempt == request.attempt:
        return Wait.APPROVAL, "an operator has to let it in"
    if leader is None:
        return Wait.LEADER, "nobody leads the network"
    if network.canonical is None:
        return Wait.LEADER, "there is no canonical list that can be read"
    case = Case(network, network.canonical, network.canonical.servers, now, timestamp(now))
    answer = judge(case, request)
    if answer.settled:
        way = "lets it in" if answer.accepted else f"turns it away: {answer.reason}"
        return Wait.LEADER, f"{leader} {way}, presently"
    if network.policy.admission is Admission.MANUAL and network.policy.admission_probe is AdmissionProbe.OFF:
        return Wait.APPROVAL, "an operator has to let it in"
    return Wait.PROBE, f"{leader} asks its URL who answers there"


def _next_step(newcomers: Sequence[Newcomer]) -> str:
    waiting = next((each for each in newcomers if each.wait is Wait.APPROVAL), None)
    if waiting is None:
        return ""
    name = waiting.request.subject
    return f"next: `sidecar approve {name}` lets it in, `sidecar refuse {name}` turns it away\n"


def _row(newcomer: Newcomer) -> tuple[str, ...]:
    request = newcomer.request
    url = request.url.text if request.url else ""
    return request.subject, url, ago(request.at), newcomer.wait.value, newcomer.reason


def _to_json(newcomer: Newcomer) -> dict[str, object]:
    request = newcomer.request
    return {
        "node_id": request.subject,
        "url": request.url.text if request.url else None,
        "since": request.at,
        "waits_for": newcomer.wait.value,
        "reason": newcomer.reason,
        "FederatedServers": to_json(request.servers),
    }
