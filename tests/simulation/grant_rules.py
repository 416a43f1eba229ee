"""The rules of grants, written independently of the code under test."""

from __future__ import annotations

from collections.abc import Callable

from sidecar.domain.identity import Role
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import BlockKind, Grant
from sidecar.domain.servers import NodeID
from tests.simulation.etcd_records import EtcdRecords

Rule = Callable[[NodeID, Grant, EtcdRecords, EtcdRecords], str | None]


def why_not_grantable(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    """Why ``grant`` is wrong for ``node`` in the step from ``before`` to ``after``; None if it is right."""
    old = before.grants.get(node)
    # A granted node goes straight to the newest list; a grant outside the budget may become a counted one.
    again = old is not None and not old.already_unavailable and not grant.already_unavailable
    further = () if again else _UNAVAILABLE if grant.already_unavailable else _COUNTED
    return next((wrong for rule in (*_ALWAYS, *further) if (wrong := rule(node, grant, before, after))), None)


def _newest(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    newest = after.canonical and after.canonical.version
    return None if grant.version == newest else f"into version {grant.version}, the newest is {newest}"


def _is_member(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    return None if before.belongs(node) else "it does not belong to the network"


def _wants_grant(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    report = before.reports.get(node)
    if report is None or report.phase is not Phase.RESTART_PENDING:
        return f"it did not request a restart: it is {report.phase.value if report else 'away'}"
    return None


def _not_granted_yet(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    old = before.grants.get(node)
    same = (
        old is not None
        and old.version == grant.version
        and (grant.already_unavailable or not old.already_unavailable)
    )
    return f"it already has a grant for version {grant.version}" if same else None


def _not_paused(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    if before.rollout_block and before.rollout_block.kind is BlockKind.PAUSED:
        return "the rollout is paused"
    return None


def _is_unavailable(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    return "as unavailable, and it serves" if before.serves(node) else None


def _takes_part(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    left_out = node in before.pauses or before.is_skipped(node)
    return "it is paused or skipped" if left_out else None


def _serves(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    return None if before.serves(node) else "within the limit, and it does not serve"


def _not_halted(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    newest = after.canonical.version if after.canonical else 0
    counted = [n for n in after.grants if before.belongs(n) and not before.is_skipped(n)]
    failed = [n for n in counted if after.grants[n].failed and after.grants[n].version >= newest]
    return f"{failed} failed" if failed else None


def _within_limit(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    """At most ``max_unavailable`` nodes of a role are unavailable at a time."""
    role = before.role_of(node)
    assert role
    peers = before.members_of(role)
    limit = before.policy.rollout.max_unavailable.of(len(peers))
    away = [
        peer
        for peer in sorted(peers - {node})
        if not before.is_skipped(peer) and (not before.serves(peer) or peer in after.grants)
    ]
    return f"{away} are unavailable, {limit} may be" if len(away) >= limit else None


def _canary_first(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    canary = before.policy.rollout.canary
    if canary is None or canary == node or not before.belongs(canary):
        return None
    left_out = canary in before.pauses or before.is_skipped(canary)
    done = before.in_step(canary) and canary not in after.grants
    return None if left_out or done else f"before the canary, {canary}"


def _servers_first(node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> str | None:
    if before.role_of(node) is Role.FEDERATED or node == before.policy.rollout.canary:
        return None
    to_come = [
        server
        for server in sorted(before.members_of(Role.FEDERATED) - set(before.pauses))
        if not before.is_skipped(server)
        and (_is_restarting(server, after) or (before.serves(server) and not before.in_step(server)))
    ]
    return f"before the servers {to_come}" if to_come else None


def _is_restarting(node: NodeID, records: EtcdRecords) -> bool:
    grant, newest = records.grants.get(node), records.canonical.version if records.canonical else 0
    # A node that failed on an older list counts as any other unavailable node.
    return (
        grant is not None and not grant.already_unavailable and not (grant.failed and grant.version < newest)
    )


_ALWAYS: tuple[Rule, ...] = (_newest, _is_member, _wants_grant, _not_granted_yet, _not_paused)
_UNAVAILABLE: tuple[Rule, ...] = (_is_unavailable, _takes_part)
_COUNTED: tuple[Rule, ...] = (
    _takes_part,
    _serves,
    _not_halted,
    _within_limit,
    _canary_first,
    _servers_first,
)
