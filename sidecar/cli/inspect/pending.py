"""``sidecar pending``: the servers that ask to join, and what each waits for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.output import format_age, print_json, print_table
from sidecar.cli.shared.parser import Parser, add_network_settings
from sidecar.cli.shared.snapshot import Snapshot, read_snapshot, run_with_store
from sidecar.domain.errors import ExitCode
from sidecar.domain.leader.requests import open_requests, preview_request
from sidecar.domain.membership.join_batching import is_newcomer_join
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import VerdictKind
from sidecar.domain.records.policy import Admission, AdmissionProbe
from sidecar.domain.records.requests import Request
from sidecar.domain.servers import ServerList
from sidecar.ports import Store

DESCRIPTION = "Lists the servers that ask to join the network, and what each waits for."
EPILOG = """\
example:
  sidecar pending && sidecar approve fed-4"""


class WaitingFor(StrEnum):
    """What a newcomer waits for."""

    APPROVAL = "approval"
    PROBE = "probe"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """One request to join that is not handled yet."""

    request: Request
    waiting_for: WaitingFor
    reason: str


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("pending", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(arguments, context, partial(_show, context=context, as_json=arguments.json))


async def _show(store: Store, keys: Keys, *, context: CommandContext, as_json: bool) -> int:
    snapshot = await read_snapshot(store, keys)
    newcomers = list(newcomers_of(snapshot, time.time()))
    if as_json:
        print_json(context.out, list(map(_to_json, newcomers)))
        return ExitCode.OK
    admission = f"admission is {snapshot.network.policy.admission.value}"
    if not newcomers:
        context.out.write(f"no server asks to join network {keys.network}; {admission}\n")
        return ExitCode.OK
    print_table(context.out, ("NODE", "URL", "FOR", "WAITS FOR", "WHY"), list(map(_row, newcomers)))
    context.out.write(f"\n{admission}\n{_next_step(newcomers)}")
    return ExitCode.OK


def newcomers_of(snapshot: Snapshot, now: float) -> Iterator[Newcomer]:
    """The servers that ask to join, the oldest request first. ``now``: seconds since the epoch."""
    canonical = snapshot.network.canonical
    servers = canonical.servers if canonical else ServerList(())
    for _, request in open_requests(snapshot.network):
        if is_newcomer_join(request, servers):
            yield Newcomer(request, *_find_reason(snapshot, request, now))


def _find_reason(snapshot: Snapshot, request: Request, now: float) -> tuple[WaitingFor, str]:
    network, leader = snapshot.network, snapshot.leader
    verdict = next((v for node, v in network.membership.verdicts.items() if node == request.subject), None)
    if verdict and verdict.kind is VerdictKind.PENDING and verdict.attempt == request.attempt:
        return WaitingFor.APPROVAL, "an operator must approve it"
    if leader is None:
        return WaitingFor.LEADER, "there is no leader"
    if network.canonical is None:
        return WaitingFor.LEADER, "the canonical list is missing or cannot be read"
    decision = preview_request(network, network.canonical, request, now)
    if decision.final:
        result = "admit it shortly" if decision.accepted else f"refuse it shortly: {decision.reason}"
        return WaitingFor.LEADER, f"{leader} (the leader) will {result}"
    if network.policy.admission is Admission.MANUAL and network.policy.admission_probe is AdmissionProbe.OFF:
        return WaitingFor.APPROVAL, "an operator must approve it"
    return WaitingFor.PROBE, f"{leader} (the leader) probes its URL"


def _next_step(newcomers: Sequence[Newcomer]) -> str:
    waiting = next((each for each in newcomers if each.waiting_for is WaitingFor.APPROVAL), None)
    if waiting is None:
        return ""
    name = waiting.request.subject
    return f"next: `sidecar approve {name}` or `sidecar refuse {name}`\n"


def _row(newcomer: Newcomer) -> tuple[str, ...]:
    request = newcomer.request
    url = request.url.text if request.url else ""
    return request.subject, url, format_age(request.at), newcomer.waiting_for.value, newcomer.reason


def _to_json(newcomer: Newcomer) -> dict[str, object]:
    request = newcomer.request
    return {
        "node_id": request.subject,
        "url": request.url.text if request.url else None,
        "since": request.at,
        "waiting_for": newcomer.waiting_for.value,
        "reason": newcomer.reason,
        "FederatedServers": to_json(request.servers),
    }
