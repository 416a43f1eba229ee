"""Two nodes that claim one NodeID or one URL: who is kept out is told why, and whoever has it, as well."""

from __future__ import annotations

from sidecar.domain.node.view import View
from sidecar.domain.records.membership import VerdictKind
from sidecar.domain.records.report import NodeLocation
from sidecar.domain.servers import NodeID


def claim_holder(view: View) -> NodeID | None:
    """Whose NodeID or URL this node claims, where somebody has it who is alive."""
    if view.node_id_conflict:
        return view.identity.node_id  # and the verdict under that name is not for this node
    return view.verdict.holder if view.verdict and view.verdict.kind is VerdictKind.CONFLICT else None


def describe_conflicts(view: View) -> str:
    """Who claims what this node has, for its own people; empty where nobody does."""
    return "; ".join(_describe_conflict(view, rival) for rival in view.conflicts)


def _describe_conflict(view: View, claimant: NodeLocation) -> str:
    claimed = (
        "its NodeID" if claimant.node_id == view.identity.node_id else f"its URL, as {claimant.node_id},"
    )
    return f"another node {claimant} claims {claimed} and is kept out: give that one its own, or stop it"
