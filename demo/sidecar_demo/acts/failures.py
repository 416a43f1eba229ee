"""What must not stop anything: a leader's death, and an etcd that is away."""

from __future__ import annotations

from sidecar_demo.acts.act import Act
from sidecar_demo.conditions import (
    adopted,
    answers_as,
    hold,
    in_step,
    is_so,
    runs,
    started,
    without_lease,
)
from sidecar_demo.node import LEASE_TTL, Node
from sidecar_demo.stage import Stage

SUCCESSION = LEASE_TTL + 1.0
"""Seconds after which another leads, when the leader's sidecar was killed."""


def _leader_dies(stage: Stage) -> None:
    leader = stage.leader()
    if leader is None:
        stage.checks.expect("somebody leads", is_so(False, "nobody does"))
        return
    pids = {leader.name: leader.process()}
    stage.tell(f"kill -9 of the sidecar of {leader.name}, the leader")
    leader.kill()
    began = stage.checks.clock()
    stage.checks.wait(
        f"another leads, within the lease's {LEASE_TTL} s and one more",
        lambda: None if stage.leader() else "nobody leads",
        *(node.name for node in stage.servers),
        since=began,
        within=SUCCESSION,
    )
    successor = stage.leader()
    stage.tell(f"{successor.name if successor else 'nobody'} leads; {leader.name}'s sidecar is started again")
    stage.checks.expect(
        f"{leader.name}'s process went on without its sidecar", answers_as([leader], pids), leader.name
    )
    began = stage.checks.clock()
    leader.start()
    stage.checks.wait(
        "it takes over the process that it finds, as it runs",
        adopted(leader, pids[leader.name]),
        leader.name,
        since=began,
    )
    stage.checks.wait("and is in step", in_step([leader], stage.listed), leader.name, since=began)
    stage.checks.expect("nothing was restarted", started(stage.members, stage.starts), leader.name)


def _etcd_away(stage: Stage) -> None:
    members, who = stage.members, [node.name for node in stage.members]
    pids = {node.name: node.process() for node in members}
    stage.tell("etcd is stopped")
    stage.etcd.stop()
    began = stage.checks.clock()
    stage.checks.wait("every lease has run out", without_lease(members), *who, since=began)
    stage.checks.expect("nothing was stopped or restarted", answers_as(members, pids), *who)
    _boot_without_etcd(stage, stage.node("db-1"))
    stage.tell("etcd comes back")
    stage.etcd.start()
    began = stage.checks.clock()
    stage.checks.wait("everybody is in step again", in_step(members, stage.listed), *who, since=began)
    stage.checks.wait("somebody leads", lambda: None if stage.leader() else "nobody leads", *who, since=began)
    stage.checks.expect("nothing was restarted on the way", started(members, stage.starts), *who)


def _boot_without_etcd(stage: Stage, node: Node) -> None:
    stage.tell(f"{node.name} is stopped, and started with etcd away")
    node.stop()
    began = stage.checks.clock()
    stage.start(node)
    stage.checks.wait("its process runs, from the last-known-good list", runs(node), node.name, since=began)
    stage.checks.expect("its file holds that", hold([node], stage.listed), node.name)


LEADER_DIES = Act(
    "The leader dies",
    "Its sidecar is killed. The process next to it goes on; another leads.",
    _leader_dies,
)
ETCD_AWAY = Act(
    "etcd goes away",
    "Nothing is stopped. Who boots meanwhile has the last-known-good list.",
    _etcd_away,
)
