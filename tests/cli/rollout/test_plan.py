"""`plan`: what a join or a removal would do; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sidecar.domain.records.encoding import Record
from sidecar.domain.records.policy import Admission, AdmissionProbe, Limit, Policy, RolloutPolicy
from sidecar.domain.records.report import Phase
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.rollout import BlockKind, Exemption, RolloutBlock
from sidecar.domain.servers import NodeID, ServerUrl
from sidecar.ports import Store
from tests.cli.network import KEYS, ONE, Shell, report
from tests.cli.rollout.records import AT, in_step, reported, rolling, without

FOUR = ServerUrl.parse("http://localhost:9004")
JOIN = ("join", FOUR.text, "--node-id", "fed-4")


class ReadOnly:
    """A store that can only be read."""

    def __init__(self, store: Store) -> None:
        self.read = store.read


def plan(*argv: str, records: Mapping[str, Record] | None = None) -> str:
    code, out, err = Shell(records or in_step())("plan", *argv)
    assert (code, err) == (0, "")
    return out


def document(*argv: str, records: Mapping[str, Record] | None = None) -> dict[str, Any]:
    found = Shell(records or in_step()).json("plan", *argv)
    assert isinstance(found, dict)
    return found


def refusal(*argv: str, records: Mapping[str, Record] | None = None) -> str:
    code, out, err = Shell(records or in_step())("plan", *argv)
    assert (code, out) == (77, "")
    return err


def test_a_join_shows_the_list_and_the_order_of_the_restarts() -> None:
    assert plan(*JOIN) == (
        "if http://localhost:9004 (fed-4) joined network default:\n"
        "\n"
        "--- version 5 (current)\n"
        "+++ version 6 (planned)\n"
        "@@ -1,3 +1,4 @@\n"
        " http://localhost:9000  fed-1\n"
        " http://localhost:9001  fed-2\n"
        " http://localhost:9002  fed-3\n"
        "+http://localhost:9004  fed-4\n"
        "\n"
        "fed-4 itself starts as soon as it is admitted\n"
        "restarts, at most 1 server and 1 database node at a time:\n"
        "   1. fed-1 (server)\n"
        "   2. fed-3 (server)\n"
        "   3. fed-2 (server, leads)\n"
        "   4. db-1 (database node)\n"
        "\n"
        "this is only a plan; to do it, run the sidecar of the new server with a file that names\n"
        "the server itself and a server of this network\n"
    )


def test_a_removal_shows_the_locked_out_node_and_the_command() -> None:
    out = plan("remove", "fed-3")

    assert "-http://localhost:9002  fed-3\n" in out
    assert "   2. fed-2 (server, leads)\n   3. db-1 (database node)\n" in out
    assert "fed-3 itself is locked out until `sidecar readmit fed-3`" in out
    assert out.endswith("this is only a plan; to do it, `sidecar remove fed-3`\n")


def test_a_plan_as_json_always_has_the_same_keys() -> None:
    joining, removing = document(*JOIN), document("remove", "http://LOCALHOST:9002/")

    assert list(joining) == list(removing) == list(document("remove", "db-1"))
    assert (joining["from_version"], joining["to_version"]) == (5, 6)
    assert joining["added"] == [{"url": FOUR.text, "node_id": "fed-4"}]
    assert removing["removed"] == [{"url": "http://localhost:9002", "node_id": "fed-3"}]
    assert removing["FederatedServers"] == ["http://localhost:9000", "http://localhost:9001"]
    assert removing["restart_waves"] == [["fed-1"], ["fed-2"], ["db-1"]]


def test_limit_and_canary_of_the_policy_are_shown() -> None:
    chosen = RolloutPolicy(max_unavailable=Limit(2), canary=NodeID("fed-3"))
    records = in_step() | {KEYS.policy: Policy(rollout=chosen)}

    assert document(*JOIN, records=records)["restart_waves"] == [["fed-3"], ["fed-1", "fed-2"], ["db-1"]]
    assert "   1. fed-3 (server, canary)\n" in plan(*JOIN, records=records)
    assert "at most 2 servers and 2 database nodes at a time" in plan(*JOIN, records=records)


def test_nothing_is_written() -> None:
    shell = Shell(in_step(), wrap=ReadOnly)  # type: ignore[arg-type]  # less than a Store

    assert shell("plan", "remove", "fed-3")[0] == 0
    assert shell("plan", *JOIN)[0] == 0


def test_a_node_that_is_down_blocks() -> None:
    records = without(in_step(), KEYS.report(NodeID("fed-1")))

    assert "blocked by: fed-1 is away: " in plan(*JOIN, records=records)
    assert document(*JOIN, records=records)["blockers"][0]["node_id"] == "fed-1"


def test_a_node_that_is_down_within_the_budget_does_not_block() -> None:
    records = without(in_step(), KEYS.report(NodeID("fed-1")))
    records[KEYS.policy] = Policy(rollout=RolloutPolicy(max_unavailable=Limit(2)))

    assert document(*JOIN, records=records)["blockers"] == []


def test_paused_nodes_and_a_paused_rollout_are_shown() -> None:
    records = in_step() | {
        KEYS.pause(NodeID("fed-3")): Exemption(5, AT, "ann"),
        KEYS.rollout_block: RolloutBlock(BlockKind.PAUSED, 5, "bob paused it: lunch", AT, "bob"),
    }

    out = plan(*JOIN, records=records)

    assert "not restarted: fed-3 is paused by ann\n" in out
    assert "blocked by: bob paused it: lunch; to continue, `sidecar rollout resume`\n" in out
    assert document(*JOIN, records=records)["restart_waves"] == [["fed-1"], ["fed-2"], ["db-1"]]


def test_a_rollout_under_way_is_mentioned() -> None:
    assert "version 6 is being rolled out: nodes that have not" in plan("remove", "fed-3", records=rolling())


def test_a_removed_leader_is_replaced() -> None:
    out = plan("remove", "fed-2")

    assert "fed-2 is the leader: another server takes over" in out
    assert "leads)" not in out


def test_removing_a_database_node_restarts_no_node() -> None:
    out = plan("remove", "db-1")

    assert "the list does not change, and no node restarts\n" in out
    assert "`sidecar readmit db-1`" in out
    found = document("remove", "db-1")
    assert (found["from_version"], found["to_version"], found["restart_waves"]) == (5, 5, [])


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("remove", "fed-9"), "fed-9 was already removed, at 2026-05-04T11:00:00Z; nothing would change"),
        (("join", ONE.text), "http://localhost:9000 is already in the list; nothing would change"),
    ],
)
def test_a_removal_without_effect_is_reported(argv: tuple[str, ...], said: str) -> None:
    assert plan(*argv).endswith(f"\n{said}\n")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("remove", "fed-99"), "cannot remove fed-99: no member of this network is called fed-99"),
        (
            ("join", FOUR.text, "--node-id", "fed-1"),
            "the NodeID fed-1 is taken by the server at http://local",
        ),
        (("join", "http://localhost:9009"), "removed at 2026-05-04T11:00:00Z by ann@host (old [disk]); "),
        (("join", FOUR.text, "--node-id", "fed-9"), "`sidecar readmit fed-9` lets it in again"),
    ],
)
def test_a_plan_is_refused_with_the_reason_of_the_leader(argv: tuple[str, ...], said: str) -> None:
    assert said in refusal(*argv)


def test_no_join_can_be_planned_in_a_closed_network() -> None:
    records = in_step() | {KEYS.policy: Policy(Admission.CLOSED)}

    assert "the network admits no server" in refusal(*JOIN, records=records)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (
            Policy(Admission.MANUAL),
            "admission is manual: it waits for `sidecar approve fed-4`",
        ),
        (Policy(Admission.TOKEN), "admission is by token: it needs one from `sidecar token create`"),
        (Policy(admission_probe=AdmissionProbe.ANSWERS), "it is admitted only if its URL answers the leader"),
        (
            Policy(admission_probe=AdmissionProbe.IDENTITY),
            "only if its URL answers with the NodeID fed-4",
        ),
    ],
)
def test_requirements_of_the_policy_are_shown(policy: Policy, said: str) -> None:
    records = in_step() | {KEYS.policy: policy}

    assert said in plan(*JOIN, records=records)
    assert document(*JOIN, records=records)["admission"] == policy.admission.value


def test_the_nodeid_of_a_newcomer_that_asks_is_known() -> None:
    request = Request(RequestKind.JOIN, "fed-4", "fed-4", 1.0, "1", url=FOUR, servers=(ONE, FOUR))
    asks: dict[str, Record] = {
        KEYS.policy: Policy(Admission.MANUAL),
        KEYS.request("1"): request,
        KEYS.report(NodeID("fed-4")): report(
            "fed-4", FOUR, phase=Phase.JOINING, healthy=False, loaded_version=0
        ),
    }

    out = plan("join", FOUR.text, records=in_step() | asks)

    assert "+http://localhost:9004  fed-4\n" in out
    assert "fed-4 itself starts as soon as it is admitted" in out
    assert "in the way" not in out


def test_a_newcomer_without_a_nodeid_is_called_the_newcomer() -> None:
    out = plan("join", FOUR.text, records=in_step() | {KEYS.policy: Policy(Admission.MANUAL)})

    assert "+http://localhost:9004\n" in out
    assert "the newcomer itself starts as soon as it is admitted" in out
    assert "`sidecar approve NODEID`" in out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ("join", "fed-4"),
            "'fed-4' does not start with http:// or https://; give the URL of the server",
        ),
        (("join", FOUR.text, "--node-id", "a b"), "--node-id: 'a b' is not a NodeID"),
        (("remove", "fed-3", "--node-id", "fed-3"), "--node-id is for `plan join`"),
        (("dance", "fed-3"), "dance"),
        (("join",), "NODEID|URL"),
    ],
)
def test_a_bad_command_line_exits_with_64(argv: tuple[str, ...], said: str) -> None:
    shell = Shell(in_step())

    code, _, err = shell("plan", *argv)

    assert code == 64
    assert said in err
    assert shell.opened == []


def test_without_a_list_nothing_can_be_planned() -> None:
    code, _, err = Shell({})("plan", "remove", "fed-1")

    assert code == 69
    assert "network default has no list" in err


def test_a_node_that_crashed_during_its_restart_blocks() -> None:
    records = rolling() | reported("fed-1", phase=Phase.CRASHED, reason="exit code 3", healthy=False)

    assert "blocked by: fed-1 is crashed: exit code 3" in plan("remove", "fed-3", records=records)
