"""Which nodes each policy admits, and that no node takes the NodeID or URL of another."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from sidecar.domain.records.encoding import encode
from sidecar.domain.records.policy import Admission, AdmissionProbe, Policy
from sidecar.domain.records.report import Phase
from sidecar.domain.records.requests import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.records.tokens import JoinToken, TokenRecord
from sidecar.domain.servers import ServerUrl
from tests.agent.sidecars import TTL, Federation, federation, until
from tests.builders import KEYS, THREE, operator_request, server, servers

pytestmark = pytest.mark.anyio

TRIO = (server(1), server(2), server(3))
FOUR = servers(9000, 9001, 9002, 9004)
NEWCOMER = server(4, 9004)
TOKEN = JoinToken.new()


def set_policy(network: Federation, found: Policy) -> None:
    network.write(KEYS.policy, encode(found))


async def outcome_of(network: Federation, kind: RequestKind, subject: str, reason: str = "") -> Outcome:
    """Ask the leader, and wait for its answer."""
    key = KEYS.request("r")
    network.write(key, encode(replace(operator_request(kind, subject), reason=reason)))

    def outcome() -> Outcome | None:
        request = network.read(Request, key)
        return request.outcome if request else None

    await until(lambda: outcome() is not None)
    found = outcome()
    assert found
    return found


async def test_a_newcomer_is_pending_until_an_operator_approves_it() -> None:
    async with federation(*TRIO) as network:
        set_policy(network, Policy(Admission.MANUAL))
        newcomer = network.add(NEWCOMER, 9000, 9004)
        await until(lambda: "sidecar approve fed-4" in newcomer.board.decision.reason)
        assert newcomer.phase is Phase.JOINING
        revision = network.cluster.revision
        await anyio.sleep(2 * TTL)
        assert network.canonical.servers == THREE
        assert network.cluster.revision - revision < 20, "the verdict is written once, not again and again"
        outcome = await outcome_of(network, RequestKind.APPROVE, "fed-4")
        assert outcome.kind is OutcomeKind.DONE
        assert network.canonical.cause[0].by == "operator"
        await until(lambda: network.all_in_step_on(FOUR))


async def test_a_refused_newcomer_learns_which_operator_refused_and_why() -> None:
    async with federation(*TRIO) as network:
        set_policy(network, Policy(Admission.MANUAL))
        newcomer = network.add(NEWCOMER, 9000, 9004)
        await until(lambda: "sidecar approve fed-4" in newcomer.board.decision.reason)
        await outcome_of(network, RequestKind.REFUSE, "fed-4", "not ours")
        await until(lambda: newcomer.phase is Phase.REFUSED)
        assert newcomer.board.decision.reason == "operator refused it: not ours"
        again = await outcome_of(network, RequestKind.APPROVE, "fed-4")
        assert again.kind is OutcomeKind.REFUSED
        assert "no node called fed-4 has asked to join" in again.reason
        assert network.canonical.servers == THREE


async def test_a_token_admits_no_more_newcomers_than_it_allows() -> None:
    async with federation(*TRIO) as network:
        set_policy(network, Policy(Admission.TOKEN))
        network.write(KEYS.token(TOKEN.id), encode(TokenRecord(TOKEN.secret, "me", "", uses_left=1)))
        network.add(NEWCOMER, 9000, 9004, token=TOKEN)
        await until(lambda: network.all_in_step_on(FOUR))
        late = network.add(server(5, 9005), 9000, 9005, token=TOKEN)
        await until(lambda: late.phase is Phase.REFUSED)
        assert f"there is no join token {TOKEN.id}" in late.board.decision.reason
        assert network.read(TokenRecord, KEYS.token(TOKEN.id)) is None


@pytest.mark.parametrize(
    ("record", "token", "why"),
    [
        (TokenRecord(TOKEN.secret, "me", ""), None, "admits no server without a join token"),
        (TokenRecord(JoinToken.new().secret, "me", ""), TOKEN, "was not made with the join token"),
    ],
    ids=["without a token", "another secret"],
)
async def test_a_join_without_a_valid_token_is_refused_with_the_reason(
    record: TokenRecord, token: JoinToken | None, why: str
) -> None:
    async with federation(*TRIO) as network:
        set_policy(network, Policy(Admission.TOKEN))
        await anyio.sleep(2)
        newcomer = network.add(NEWCOMER, 9000, 9004, token=token)
        network.write(KEYS.token(TOKEN.id), encode(record))
        await until(lambda: newcomer.phase is Phase.REFUSED)
        assert why in newcomer.board.decision.reason
        assert newcomer.process.starts == []


@pytest.mark.parametrize("found", ["", "nothing answers at http://localhost:9004"])
async def test_the_policy_may_require_a_probe_of_the_newcomers_url(found: str) -> None:
    asked = []

    async def look(url: ServerUrl, node_id: str, kind: AdmissionProbe) -> str:
        asked.append((url.text, node_id, kind))
        await anyio.sleep(1)
        return found

    async with federation(*TRIO) as network:
        for sidecar in network.sidecars:
            await network.stop(sidecar)
            sidecar.probe_newcomer = look
            network.boot(sidecar)
        set_policy(network, Policy(admission_probe=AdmissionProbe.IDENTITY))
        newcomer = network.add(NEWCOMER, 9000, 9004)
        if found:
            await until(lambda: newcomer.phase is Phase.REFUSED)
            assert newcomer.board.decision.reason == found
        else:
            await until(lambda: network.all_in_step_on(FOUR))
        assert asked == [("http://localhost:9004", "fed-4", AdmissionProbe.IDENTITY)]


async def test_a_node_id_is_free_once_its_node_is_gone() -> None:
    async with federation(*TRIO) as network:
        second = network.sidecars[1]
        double = network.add(server(2), 9000, 9001, 9002, host="elsewhere")
        await until(lambda: double.phase is Phase.REFUSED)
        assert "the NodeID fed-2 is taken by a node that is alive, on memory" in double.board.decision.reason
        await anyio.sleep(2 * TTL)
        assert double.process.starts == []
        assert second.phase is Phase.RUNNING
        where = "a node on elsewhere at http://localhost:9001"
        warning = f"NodeID conflict: {where} uses the same NodeID and is locked out"
        assert warning in second.board.decision.reason
        assert double.board.view.network.claimants == ()
        await network.stop(second)
        network.sidecars.remove(second)
        await until(lambda: network.all_in_step_on(THREE), max_seconds=2 * TTL)


async def test_a_conflict_ends_when_the_other_node_goes_away() -> None:
    async with federation(*TRIO) as network:
        second = network.sidecars[1]
        double = network.add(server(2), 9000, 9001, 9002, host="elsewhere")
        await until(lambda: "NodeID conflict" in second.board.decision.reason)
        await network.stop(double)
        await until(lambda: second.board.decision.reason == "in step")


@pytest.mark.parametrize("seconds", [0.05 * TTL, 0.4 * TTL, 0.8 * TTL])
async def test_a_conflict_that_ends_during_an_outage_is_withdrawn(seconds: float) -> None:
    async with federation(*TRIO) as network:
        second = network.sidecars[1]
        thief = network.add(replace(server(2), node_id=server(9, 9001).node_id), 9000, 9001, 9002)
        await until(lambda: "URL conflict" in second.board.decision.reason)
        thief.store.disconnect()
        await network.stop(second)
        network.sidecars.remove(second)
        await anyio.sleep(seconds)
        thief.store.reconnect()
        await until(lambda: network.all_in_step_on(THREE))
        await anyio.sleep(2 * TTL)
        assert not network.cluster.list((KEYS.conflict_range(second.identity.node_id),)).entries


async def test_a_node_reexecuted_under_another_node_id_withdraws_its_conflict() -> None:
    async with federation(*TRIO) as network:
        second = network.sidecars[1]
        double = network.add(server(2), 9000, 9001, 9002, host="elsewhere")
        await until(lambda: "NodeID conflict" in second.board.decision.reason)
        double.shutdown.request_reexec()
        await until(lambda: not double.running)
        assert not network.cluster.list((KEYS.conflict_range(second.identity.node_id),)).entries
        await until(lambda: second.board.decision.reason == "in step")


async def test_a_crashed_node_gets_its_node_id_back_at_once() -> None:
    async with federation(*TRIO) as network:
        second = network.sidecars[1]
        second.scope.cancel()
        await until(lambda: not second.running)
        network.boot(second)
        took = await until(lambda: network.all_in_step_on(THREE))
        assert took < TTL / 4


async def test_a_url_is_free_once_its_node_is_gone() -> None:
    async with federation(*TRIO) as network:
        thief = network.add(replace(server(2), node_id=server(9, 9001).node_id), 9000, 9001, 9002)
        await until(lambda: thief.phase is Phase.REFUSED or bool(thief.process.starts))
        await until(lambda: "is the URL of fed-2, which is alive" in thief.board.decision.reason)
        second = network.sidecars[1]
        warning = "URL conflict: fed-9 on memory at http://localhost:9001 uses the same URL and is locked out"
        await until(lambda: warning in second.board.decision.reason)
        assert (
            KEYS.member(thief.identity.node_id) not in network.cluster.list(KEYS.ranges_of_leader()).entries
        )
        await network.stop(second)
        network.sidecars.remove(second)
        await until(lambda: network.all_in_step_on(THREE))


async def test_a_newcomer_refused_by_the_policy_joins_when_the_policy_opens() -> None:
    async with federation(*TRIO) as network:
        set_policy(network, Policy(Admission.CLOSED))
        newcomer = network.add(NEWCOMER, 9000, 9004)
        await until(lambda: newcomer.phase is Phase.REFUSED)
        set_policy(network, Policy())
        await until(lambda: network.all_in_step_on(FOUR))


async def test_a_newcomer_refused_by_an_operator_stays_out() -> None:
    async with federation(*TRIO) as network:
        set_policy(network, Policy(Admission.MANUAL))
        newcomer = network.add(NEWCOMER, 9000, 9004)
        await until(lambda: "sidecar approve fed-4" in newcomer.board.decision.reason)
        await outcome_of(network, RequestKind.REFUSE, "fed-4")
        await until(lambda: newcomer.phase is Phase.REFUSED)
        await anyio.sleep(200)
        assert newcomer.phase is Phase.REFUSED
        assert network.canonical.servers == THREE


@pytest.mark.parametrize("pause", [0.0, 0.7, 2.5], ids=["at once", "close upon each other", "one by one"])
async def test_forty_newcomers_are_admitted_in_a_few_versions(pause: float) -> None:
    async with federation(*TRIO) as network:
        ports = range(9101, 9141)
        for port in ports:
            network.add(server(port, port), 9000, port).probe.startup_duration = 3.0
            await anyio.sleep(pause)
        await until(lambda: network.all_in_step_on(servers(9000, 9001, 9002, *ports)), max_seconds=600)
        versions = network.canonical.version - 1
        assert versions <= (1, 8, 14)[(0.0, 0.7, 2.5).index(pause)]
        assert all(len(each.process.starts) - 1 <= 2 for each in network.sidecars[:3])
