"""Admission: what a newcomer must show, and what the policy adds to it."""

from __future__ import annotations

from dataclasses import replace

from sidecar.domain.membership.join_batching import is_newcomer_join
from sidecar.domain.membership.removal import removal_reason
from sidecar.domain.network.context import LeaderContext
from sidecar.domain.network.results import RequestResult, accept, keep_open, reject
from sidecar.domain.records.canonical import Change, ChangeKind
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Verdict, VerdictKind
from sidecar.domain.records.policy import Admission, AdmissionProbe
from sidecar.domain.records.requests import Request
from sidecar.domain.records.tokens import has_valid_proof
from sidecar.domain.servers import NodeID, ServerUrl, is_node_id, parse_node_id

PENDING_REASON = (
    "waits for an operator: `sidecar approve {node}` lets it in, `sidecar refuse {node}` does not"
)


def join(context: LeaderContext, request: Request) -> RequestResult:
    """Answer the join request of a newcomer."""
    try:
        node = parse_node_id(request.subject)
    except ValueError as exc:  # a verdict has no key without a NodeID
        return reject(context, str(exc))
    tombstone = context.network.membership.tombstone_of(node, request.url)
    if tombstone:
        return _refuse(context, request, node, VerdictKind.REMOVED, removal_reason(tombstone))
    if request.url is not None and request.url in context.servers:
        return accept(
            context, f"{request.url} is already in the list", {context.network.keys.verdict(node): None}
        )
    objection = (
        _operator_refusal(context, request, node)
        or _objection(context, request, node)
        or _policy_objection(context, request)
    )
    kind = context.network.policy.admission_probe
    if not objection and kind is not AdmissionProbe.OFF:
        objection = context.leader.probe_results.get((request.attempt, kind))
        if objection is None:
            return keep_open(context, "its URL is being probed")
    if objection:
        return _refuse(context, request, node, VerdictKind.REFUSED, objection)
    is_manual = context.network.policy.admission is Admission.MANUAL
    return _keep_pending(context, request, node) if is_manual else _admit(context, request, node)


def approve(context: LeaderContext, request: Request) -> RequestResult:
    """Admit the newcomer that an operator approves."""
    found = find_pending(context, request.subject)
    if found is None:
        return _unknown_node(context, request)
    name, join_request = found
    node = parse_node_id(join_request.subject)
    tombstone = context.network.membership.tombstone_of(node, join_request.url)
    objection = removal_reason(tombstone) if tombstone else _objection(context, join_request, node)
    if objection:
        return reject(context, objection)
    result = _admit(_without_request(context, name), join_request, node)
    change = result.change and replace(result.change, by=request.by, reason=request.reason)
    writes = {**result.writes, context.network.keys.request(name): None}
    return replace(result, change=change, writes=writes)


def refuse(context: LeaderContext, request: Request) -> RequestResult:
    """Refuse the newcomer that an operator rejects."""
    found = find_pending(context, request.subject)
    if found is None:
        return _unknown_node(context, request)
    name, join_request = found
    node = parse_node_id(join_request.subject)
    why = f": {request.reason}" if request.reason else ""
    reason = f"{request.by} refused it{why}"
    verdict = Verdict(VerdictKind.REFUSED, reason, context.at, join_request.attempt, by=request.by)
    keys = context.network.keys
    writes = {keys.verdict(node): verdict, keys.request(name): None}
    return accept(_without_request(context, name), f"refused {node}", writes)


def _unknown_node(context: LeaderContext, request: Request) -> RequestResult:
    return reject(context, f"no node called {request.subject} has asked to join; see `sidecar pending`")


def find_pending(context: LeaderContext, subject: str) -> tuple[str, Request] | None:
    """The open join request of the NodeID ``subject``, with its name."""
    return next(
        (
            (name, request)
            for name, request in context.network.requests.items()
            if request.subject == subject
            and is_node_id(subject)
            and is_newcomer_join(request, context.servers)
        ),
        None,
    )


def _objection(context: LeaderContext, request: Request, node: NodeID) -> str | None:
    """Why ``node`` may not join, whatever the policy says; None if it may."""
    network, url, file_servers = context.network, request.url, request.servers
    if url is None:
        return "it names no URL of its own"
    if url not in file_servers:
        return f"its file does not name its own URL, {url}"
    if not any(each in context.servers for each in file_servers):
        return (
            f"its file names no server of this network; add one of {context.servers} to its FederatedServers"
        )
    conflict = _node_id_conflict(context, node, url)
    if conflict:
        return conflict
    for each in network.rollout.quarantines:
        # The cheap comparison first: the leader checks hundreds of pending joins at every decision.
        if url in each.servers and each.servers == context.servers.appended([url]):
            return f"version {each.version}, the same list, is quarantined: {each.reason}"
    return None


def _node_id_conflict(context: LeaderContext, node: NodeID, url: ServerUrl) -> str | None:
    """Why ``node`` is taken, if it is: a listed server keeps its NodeID also while it is away."""
    member, alive = context.network.membership.members.get(node), context.network.reports.get(node)
    is_listed = member is not None and member.url is not None and member.url in context.servers
    holder = member if is_listed else alive  # the live node may be the newcomer itself
    if holder is None or holder.url == url:
        return None
    whose = f"the server at {holder.url}" if holder.url else "a database node"
    return f"the NodeID {node} is taken by {whose}; give it another NodeID"


def _operator_refusal(context: LeaderContext, request: Request, node: NodeID) -> str | None:
    """Why an operator refused this attempt to join, if one did: the newcomer repeats its request."""
    verdict = context.network.membership.verdicts.get(node)
    return verdict.reason if verdict and verdict.by and verdict.attempt == request.attempt else None


def _policy_objection(context: LeaderContext, request: Request) -> str | None:
    match context.network.policy.admission:
        case Admission.CLOSED:
            return "the network admits no server: its policy is closed, or cannot be read"
        case Admission.TOKEN:
            return _token_objection(context, request)
        case _:
            return None


def _token_objection(context: LeaderContext, request: Request) -> str | None:
    if not request.token:
        return (
            "the network admits no server without a join token: create one with `sidecar token create`, "
            "and name its file with --join-token-file"
        )
    record = context.network.membership.tokens.get(request.token)
    if record is None:
        return f"there is no join token {request.token}; create one with `sidecar token create`"
    spent = record.why_unusable(context.now)
    if spent:
        return f"its join token {request.token} {spent}; create another with `sidecar token create`"
    if not has_valid_proof(request, context.network.keys.network, record):
        return f"its proof was not made with the join token {request.token}"
    return None


def _admit(context: LeaderContext, request: Request, node: NodeID) -> RequestResult:
    """Admit the newcomer, and count one use of its token."""
    network, keys = context.network, context.network.keys
    writes: dict[str, Record | None] = {keys.verdict(node): None}
    record = network.membership.tokens.get(request.token)
    if network.policy.admission is Admission.TOKEN and record and record.uses_left is not None:
        used_token = replace(record, uses_left=record.uses_left - 1)
        tokens = {**network.membership.tokens, request.token: used_token}
        network = replace(network, membership=replace(network.membership, tokens=tokens))
        writes[keys.token(request.token)] = used_token
    change = Change(ChangeKind.JOIN, node, request.url)
    servers = context.servers.appended([request.url] if request.url else [])
    after = replace(context, network=network, servers=servers)
    return RequestResult(True, f"{request.url} is in", after, change, writes)


def _keep_pending(context: LeaderContext, request: Request, node: NodeID) -> RequestResult:
    """Leave the request open, for an operator to approve or refuse."""
    verdict = Verdict(VerdictKind.PENDING, PENDING_REASON.format(node=node), context.at, request.attempt)
    last_verdict = context.network.membership.verdicts.get(node)
    is_published = (
        last_verdict and last_verdict.kind is VerdictKind.PENDING and last_verdict.attempt == request.attempt
    )
    # An approval means the first request of a NodeID. A verdict on each of two would alternate forever.
    first = find_pending(context, request.subject)
    is_second = first is not None and first[1] != request
    writes = {} if is_published or is_second else {context.network.keys.verdict(node): verdict}
    return keep_open(context, "waits for an operator", writes)


def _refuse(
    context: LeaderContext, request: Request, node: NodeID, kind: VerdictKind, reason: str
) -> RequestResult:
    verdict, last_verdict = (
        Verdict(kind, reason, context.at, request.attempt),
        context.network.membership.verdicts.get(node),
    )
    is_published = last_verdict and (last_verdict.kind, last_verdict.reason, last_verdict.attempt) == (
        kind,
        reason,
        request.attempt,
    )
    return reject(context, reason, {} if is_published else {context.network.keys.verdict(node): verdict})


def _without_request(context: LeaderContext, name: str) -> LeaderContext:
    requests = {key: each for key, each in context.network.requests.items() if key != name}
    return context.with_network(replace(context.network, requests=requests))
