"""``sidecar plan``: what a join or a removal would do."""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sidecar.cli.rollout.plan_text import Plan, plan_to_json, print_plan
from sidecar.cli.rollout.status_text import NO_NODE
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.output import print_json
from sidecar.cli.shared.parser import Parser, add_network_settings
from sidecar.cli.shared.snapshot import Snapshot, read_snapshot, require_canonical, run_with_store
from sidecar.domain.errors import ExitCode, Refused, UsageError
from sidecar.domain.leader.requests import open_requests, preview_request
from sidecar.domain.network.publication import urls_of
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.policy import Admission, AdmissionProbe
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.rollout.assessment import assess
from sidecar.domain.servers import InvalidUrl, NodeID, ServerUrl, parse_node_id
from sidecar.ports import Store

DESCRIPTION = """\
Shows what a join or a removal would change, without doing it: the list, the
order of restarts, and blockers. Exits with 77 if it would be refused."""
EPILOG = """\
example:
  sidecar plan join http://fed-4.example:9000 --node-id fed-4
  sidecar plan remove fed-3"""


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("plan", "join URL | remove NODEID|URL [OPTION]…", DESCRIPTION, EPILOG)
    kinds = (RequestKind.JOIN.value, RequestKind.REMOVE.value)
    parser.add_argument("kind", choices=kinds, metavar="join|remove", help=argparse.SUPPRESS)
    parser.add_argument("subject", metavar="NODEID|URL", help=argparse.SUPPRESS)
    parser.add_argument("--node-id", metavar="ID", help="NodeID of the server that joins")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_network_settings(parser)
    arguments = parser.parse(argv)
    url, node = _parse_subject(arguments)
    return run_with_store(
        arguments, context, partial(_show, arguments=arguments, url=url, node=node, context=context)
    )


def _parse_subject(arguments: argparse.Namespace) -> tuple[ServerUrl | None, NodeID | None]:
    """The newcomer's URL and NodeID, as far as they are given. Raises `UsageError`."""
    if arguments.kind == RequestKind.REMOVE:
        if arguments.node_id is not None:
            raise UsageError("--node-id is for `plan join`; `plan remove` takes the NodeID as its argument")
        return None, None
    try:
        return ServerUrl.parse(arguments.subject), parse_node_id(
            arguments.node_id
        ) if arguments.node_id else None
    except InvalidUrl as exc:
        raise UsageError(f"{arguments.subject!r} {exc}; give the URL of the server") from exc
    except ValueError as exc:
        raise UsageError(f"--node-id: {exc}") from exc


async def _show(
    store: Store,
    keys: Keys,
    *,
    arguments: argparse.Namespace,
    url: ServerUrl | None,
    node: NodeID | None,
    context: CommandContext,
) -> int:
    snapshot = await read_snapshot(store, keys)
    require_canonical(snapshot)
    kind, now = RequestKind(arguments.kind), time.time()
    if url:
        node = node or _node_at(snapshot.network, url)
        request = _join_request(snapshot, url, node, now)
    else:
        request = Request(kind, arguments.subject, "you", now, "")
    plan = make_plan(snapshot, request, now, has_name=url is None or node is not None)
    if not plan.result.accepted:
        raise Refused(f"cannot {kind.value} {arguments.subject}: {plan.result.reason}")
    if arguments.json:
        print_json(context.out, plan_to_json(plan))
    else:
        print_plan(context.out, plan)
    return ExitCode.OK


def make_plan(snapshot: Snapshot, request: Request, now: float, *, has_name: bool) -> Plan:
    """Handle ``request`` as the leader would, and assess the rollout after it. ``now``: Unix epoch."""
    network, canonical = _with_open_admission(snapshot.network), require_canonical(snapshot)
    leader = snapshot.leader or NO_NODE
    result = preview_request(network, canonical, request, now)
    in_progress = not assess(network, canonical, leader, now).is_over
    if result.change is None:
        return Plan(snapshot, request, result, canonical, None, has_name, in_progress)
    after = replace(
        canonical,
        servers=result.context.servers,
        version=canonical.version + 1,
        removed=urls_of(result.context.network.membership.tombstones),
    )
    rollout = assess(result.context.network, after, leader, now)
    return Plan(snapshot, request, result, after, rollout, has_name, in_progress)


def _with_open_admission(network: Network) -> Network:
    """The network as if the newcomer met the policy; `plan_text` says what that takes."""
    policy = network.policy
    admission = Admission.CLOSED if policy.admission is Admission.CLOSED else Admission.OPEN
    return replace(network, policy=replace(policy, admission=admission, admission_probe=AdmissionProbe.OFF))


def _join_request(snapshot: Snapshot, url: ServerUrl, node: NodeID | None, now: float) -> Request:
    """The request of the newcomer's sidecar, if its file names the present servers."""
    subject = node or f"newcomer-{secrets.token_hex(4)}"  # no node has that name
    servers = (*require_canonical(snapshot).servers, url)
    return Request(RequestKind.JOIN, subject, "you", now, "", url=url, servers=servers)


def _node_at(network: Network, url: ServerUrl) -> NodeID | None:
    """The NodeID of the server at ``url`` that asks to join, or is known."""
    asking = (r for _, r in open_requests(network) if r.kind is RequestKind.JOIN and r.url == url)
    pending = next(asking, None)
    return NodeID(pending.subject) if pending else network.node_at(url)
