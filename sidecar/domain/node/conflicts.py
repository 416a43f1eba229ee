"""Two nodes that claim one NodeID or one URL: who is kept out is told why, and whoever has it, as well."""

from __future__ import annotations

from sidecar.domain.node.view import View
from sidecar.domain.records.membership import VerdictKind
from sidecar.domain.records.report import Whereabouts
from sidecar.domain.servers import NodeID


def claimed_from(view: View) -> NodeID | None:
    """Whose NodeID or URL this node claims, where somebody has it who is alive."""
    if view.taken:
        return view.identity.node_id  # and the verdict under that name is not for this node
    return view.verdict.holder if view.verdict and view.verdict.kind is VerdictKind.TAKEN else None


def contested(view: View) -> str:
    """Who claims what this node has, for its own people; empty where nobody does."""
    return "; ".join(_told(view, rival) for rival in view.rivals)


def _told(view: View, rival: Whereabouts) -> str:
    what = "its NodeID" if rival.node_id == view.identity.node_id else f"its URL, as {rival.node_id},"
    return f"another node {rival} claims {what} and is kept out: give that one its own, or stop it"
