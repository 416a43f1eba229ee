"""Two nodes that claim one NodeID or one URL: the conflict is reported on both."""

from __future__ import annotations

from sidecar.domain.node.view import View
from sidecar.domain.records.membership import VerdictKind
from sidecar.domain.records.report import NodeLocation
from sidecar.domain.servers import NodeID


def claim_holder(view: View) -> NodeID | None:
    """Return the live node that owns the NodeID or URL that this node claims, if there is one."""
    if view.network.node_id_taken_reason:
        return view.identity.node_id  # and the verdict under that name is not for this node
    verdict = view.network.verdict
    return verdict.holder if verdict and verdict.kind is VerdictKind.CONFLICT else None


def describe_claimants(view: View) -> str:
    """Describe the nodes that claim this node's NodeID or URL; empty if there are none."""
    return "; ".join(_describe_conflict(view, claimant) for claimant in view.network.claimants)


def _describe_conflict(view: View, claimant: NodeLocation) -> str:
    if claimant.node_id == view.identity.node_id:
        what, node = "NodeID", "a node"
    else:
        what, node = "URL", claimant.node_id
    return (
        f"{what} conflict: {node} {claimant} uses the same {what} and is locked out; "
        f"change its {what} or stop it"
    )
