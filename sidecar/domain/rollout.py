"""Whose turn it is to restart.

This is the seam for real rollouts: `turns` sees the whole network and says who may go next. For now one node
of each role goes at a time, and a node that does not come back healthy keeps its turn, which stops the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sidecar.domain.canonical import Canonical
from sidecar.domain.identity import Role
from sidecar.domain.membership import Grant
from sidecar.domain.network import Network
from sidecar.domain.report import Phase, Report
from sidecar.domain.servers import NodeID, ServerUrl


def finished(grant: Grant, report: Report | None, canonical: Canonical) -> bool:
    """Whether the turn is over: its node is healthy on a list at least as new as it was granted.

    A node whose report is gone may be anywhere between two lists, so it keeps its turn. A version that was
    taken back (somebody put an older list into etcd) cannot be loaded any more: then the newest one counts.
    """
    return (
        report is not None
        and report.loaded_version >= min(grant.version, canonical.version)
        and report.healthy
        and report.phase in (Phase.RUNNING, Phase.RESTART_PENDING)
    )


def wants_turn(report: Report, canonical: Canonical) -> bool:
    """Whether the node waits to restart into the canonical version."""
    return report.phase is Phase.RESTART_PENDING and report.loaded_version < canonical.version


def turns(network: Network, canonical: Canonical, leader: NodeID) -> Iterator[NodeID]:
    """Yield the nodes that may restart into ``canonical`` now: at most one of each role."""
    places = {url: place for place, url in enumerate(canonical.servers)}
    for role in Role:
        open_turns = {
            node
            for node, grant in network.grants.items()
            if _role_of(network, node) is role and not finished(grant, network.reports.get(node), canonical)
        }
        waiting = [
            report
            for report in network.reports.values()
            if report.role is role and wants_turn(report, canonical)
        ]
        if open_turns:
            # Who is out of service anyway may go straight to the newest list: it costs nobody anything.
            yield from (
                report.node_id
                for report in waiting
                if report.node_id in open_turns and network.grants[report.node_id].version < canonical.version
            )
        elif waiting:
            yield min(waiting, key=lambda report: _order(report, places, leader)).node_id


def _order(report: Report, places: Mapping[ServerUrl, int], leader: NodeID) -> tuple[bool, int, str]:
    """The order of the list; the leader's own server last; database nodes by name."""
    place = places.get(report.url, len(places)) if report.url else 0
    return (report.node_id == leader, place, report.node_id)


def _role_of(network: Network, node: NodeID) -> Role | None:
    known = network.reports.get(node) or network.members.get(node)
    return known.role if known else None
