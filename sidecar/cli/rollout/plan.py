"""``sidecar plan``: what a join or a removal would do, before anything is done."""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sidecar.cli.rollout.plan_text import Plan, print_plan, to_document
from sidecar.cli.rollout.text import NOBODY
from sidecar.cli.shared.context import World
from sidecar.cli.shared.output import print_json
from sidecar.cli.shared.parser import Parser, add_settings
from sidecar.cli.shared.snapshot import Sight, at_work, list_of, look
from sidecar.domain.errors import ExitCode, Refused, UsageError
from sidecar.domain.leader.requests import judge, open_requests
from sidecar.domain.network.context import timestamp, urls_of
from sidecar.domain.network.results import Case
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import Request, RequestKind
from sidecar.domain.records.policy import Admission, AdmissionProbe
from sidecar.domain.rollout.assessment import survey
from sidecar.domain.servers import InvalidUrl, NodeID, ServerUrl, parse_node_id
from sidecar.ports import Store

DESCRIPTION = """\
Shows, and does not do, what a join or a removal would bring: the list, who
restarts in which order, what is in the way; or exits with 77 and the refusal."""
EPILOG = """\
example:
  sidecar plan join http://fed-4.example:9000 --node-id fed-4
  sidecar plan remove fed-3"""


def main(argv: Sequence[str], world: World) -> int:
    parser = Parser("plan", "join URL | remove NODEID|URL [OPTION]…", DESCRIPTION, EPILOG)
    kinds = (RequestKind.JOIN.value, RequestKind.REMOVE.value)
    parser.add_argument("kind", choices=kinds, metavar="join|remove", help=argparse.SUPPRESS)
    parser.add_argument("subject", metavar="NODEID|URL", help=argparse.SUPPRESS)
    parser.add_argument("--node-id", metavar="ID", help="what the server that joins is called")
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_settings(parser)
    asked = parser.parse(argv)
    url, node = _checked(asked)
    return at_work(asked, world, partial(_show, asked=asked, url=url, node=node, world=world))


def _checked(asked: argparse.Namespace) -> tuple[ServerUrl | None, NodeID | None]:
    """The newcomer's URL and NodeID, as far as they are given. Raises `UsageError`."""
    if asked.kind == RequestKind.REMOVE:
        if asked.node_id is not None:
            raise UsageError("--node-id goes with `plan join`; `plan remove` takes the NodeID itself")
        return None, None
    try:
        return ServerUrl.parse(asked.subject), parse_node_id(asked.node_id) if asked.node_id else None
    except InvalidUrl as exc:
        raise UsageError(f"{asked.subject!r} {exc}; the URL of the server is wanted") from exc
    except ValueError as exc:
        raise UsageError(f"--node-id: {exc}") from exc


async def _show(
    store: Store,
    keys: Keys,
    *,
    asked: argparse.Namespace,
    url: ServerUrl | None,
    node: NodeID | None,
    world: World,
) -> int:
    sight = await look(store, keys)
    list_of(sight)
    kind, now = RequestKind(asked.kind), time.time()
    if url:
        node = node or _asking_from(sight.network, url)
        request = _wish(sight, url, node, now)
    else:
        request = Request(kind, asked.subject, "you", now, "")
    plan = plan_of(sight, request, now, named=url is None or node is not None)
    if not plan.answer.accepted:
        raise Refused(f"cannot {kind.value} {asked.subject}: {plan.answer.reason}")
    if asked.json:
        print_json(world.out, to_document(plan))
    else:
        print_plan(world.out, plan)
    return ExitCode.OK


def plan_of(sight: Sight, request: Request, now: float, *, named: bool) -> Plan:
    """Judge ``request`` as the leader would, and look at the rollout after it. ``now``: Unix epoch."""
    network, canonical = _with_everything_shown(sight.network), list_of(sight)
    answer = judge(Case(network, canonical, canonical.servers, now, timestamp(now)), request)
    leader = sight.leader or NOBODY
    under_way = not survey(network, canonical, leader, now).ended
    if answer.change is None:
        return Plan(sight, request, answer, canonical, None, named, under_way)
    after = replace(
        canonical,
        servers=answer.servers,
        version=canonical.version + 1,
        removed=urls_of(answer.network.removed),
    )
    seen = survey(answer.network, after, leader, now)
    return Plan(sight, request, answer, after, seen, named, under_way)


def _with_everything_shown(network: Network) -> Network:
    """The network as if the newcomer had shown what it is to show: `plan_text` says what that is."""
    policy = network.policy
    shown = Admission.CLOSED if policy.admission is Admission.CLOSED else Admission.OPEN
    return replace(network, policy=replace(policy, admission=shown, admission_probe=AdmissionProbe.OFF))


def _wish(sight: Sight, url: ServerUrl, node: NodeID | None, now: float) -> Request:
    """What the newcomer's sidecar would ask, if its file named the servers that there are."""
    subject = node or f"newcomer-{secrets.token_hex(4)}"  # nobody has that name
    servers = (*list_of(sight).servers, url)
    return Request(RequestKind.JOIN, subject, "you", now, "", url=url, servers=servers)


def _asking_from(network: Network, url: ServerUrl) -> NodeID | None:
    """The NodeID of the server at ``url`` that asks to join, or was known there."""
    asking = (r for _, r in open_requests(network) if r.kind is RequestKind.JOIN and r.url == url)
    wish = next(asking, None)
    return NodeID(wish.subject) if wish else network.node_at(url)
