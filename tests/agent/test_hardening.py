"""Whole networks under what seldom happens: lost answers, lagging watches, restored stores, forgeries."""

from __future__ import annotations

import re

import anyio
import pytest

from sidecar.domain.documents.document import Document
from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.leader.decide import OUTCOME_KEPT
from sidecar.domain.node.process import NotLaunched
from sidecar.domain.records.encoding import encode
from sidecar.domain.records.membership import Request, RequestKind
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import Grant
from sidecar.domain.records.store import Delete, Revision, Transaction
from sidecar.domain.servers import NodeID
from tests.agent.faults import DeafStore, ForbiddenStore, FullState, LaggingStore, SlowState, StubbornProbe
from tests.agent.sidecars import TTL, Federation, Sidecar, federation, servers_in, until
from tests.build import DATABASE, KEYS, THREE, ask, join, report, server, servers
from tests.fakes.memory_node import edited
from tests.fakes.memory_store import MemoryStore

pytestmark = pytest.mark.anyio

TRIO = (server(1), server(2), server(3))
FOUR = servers(9000, 9001, 9002, 9004)


def post(network: Federation, kind: RequestKind, subject: str, name: str = "r") -> None:
    network.write(KEYS.request(name), encode(ask(kind, subject)))


def calls(network: Federation) -> int:
    return sum(sidecar.store.calls for sidecar in network.sidecars)


async def calls_within(network: Federation, seconds: float) -> int:
    before = calls(network)
    await anyio.sleep(seconds)
    return calls(network) - before


async def rebooted(network: Federation, sidecar: Sidecar, store: MemoryStore) -> None:
    await network.stop(sidecar)
    sidecar.store = store
    network.boot(sidecar)
    await until(lambda: network.all_in_step_on(THREE))


async def test_a_removed_leader_whose_resignation_is_lost_leaves_the_lead_all_the_same() -> None:
    async with federation(*TRIO) as network:
        (leader,) = network.leaders
        commit = leader.store.cluster.commit

        def commit_but_lose(transaction: Transaction) -> Revision | None:
            if any(each.key.startswith(f"{KEYS.root}leader/") for each in transaction.operations):
                leader.store.cluster.commit = commit  # type: ignore[method-assign]  # one lost request
                raise StoreUnavailable("etcd is unavailable: the request was lost")
            return commit(transaction)

        leader.store.cluster.commit = commit_but_lose  # type: ignore[method-assign]  # as above
        post(network, RequestKind.REMOVE, leader.identity.node_id)
        await until(lambda: leader.phase is Phase.REMOVED)
        await until(lambda: len(network.leaders) == 1 and not leader.leads)


async def test_turns_are_given_one_at_a_time_also_where_the_watch_of_the_grants_lags_behind() -> None:
    async with federation(*TRIO) as network:
        (leader,) = network.leaders
        store = LaggingStore(network.cluster)
        for sidecar in network.sidecars:
            if sidecar is not leader:
                await network.stop(sidecar)
        await rebooted(network, leader, store)
        for sidecar in network.sidecars:
            sidecar.process.stopping = 5.0
            if sidecar is not leader:
                network.boot(sidecar)
        await until(lambda: network.all_in_step_on(THREE) and network.leaders == [leader])
        store.lag = True
        network.add(server(4, 9004), 9000, 9004)
        most = 0
        with anyio.move_on_after(30):
            while True:
                grants = [
                    key for key in network.cluster.list(KEYS.of_leader()).entries if key.endswith("/grant")
                ]
                most = max(most, len(grants))
                await anyio.sleep(0.02)
        assert most == 1


async def test_a_leader_goes_on_when_etcd_comes_back_from_a_backup_with_lower_revisions() -> None:
    async with federation(*TRIO) as network:
        for number in range(50):
            post(network, RequestKind.REMOVE, "nobody", f"r{number}")
            await anyio.sleep(0.1)
        network.cluster._revision = Revision(network.cluster.revision - 40)
        network.cluster._history.clear()
        for sidecar in network.sidecars:
            sidecar.store.end_watches()
        await anyio.sleep(1)
        network.write(KEYS.request("join-fed-4"), encode(join(server(4, 9004), 9000, 9004)))
        await until(lambda: network.canonical.servers == FOUR, within=TTL)


async def test_where_no_watch_can_be_opened_etcd_is_not_stormed() -> None:
    async with federation(*TRIO) as network:
        for sidecar in network.sidecars:
            await rebooted(network, sidecar, DeafStore(network.cluster))
        for sidecar in network.sidecars:
            sidecar.store.deaf = True  # type: ignore[attr-defined]  # it is a DeafStore
            sidecar.store.end_watches()
        assert await calls_within(network, 60) < 3000  # each of three reads, and tries a watch, at every turn


async def test_who_may_not_report_asks_ever_less_often() -> None:
    async with federation(*TRIO) as network:
        store = ForbiddenStore(network.cluster)
        await rebooted(network, network.sidecars[0], store)
        store.forbidden = True
        network.sidecars[0].probe.well = False  # something to report
        await anyio.sleep(60)
        before = store.calls
        await anyio.sleep(60)
        assert store.calls - before < 150


async def test_a_newcomer_whose_request_vanished_asks_again() -> None:
    async with federation(*TRIO) as network:
        for sidecar in network.sidecars:
            await network.stop(sidecar)
        newcomer = network.add(server(4, 9004), 9000, 9004)
        request = KEYS.request("join-fed-4")
        await until(lambda: request in network.cluster.list(KEYS.of_leader()).entries)
        network.cluster.commit(Transaction((), (Delete(request),)))
        for sidecar in network.sidecars[:3]:
            network.boot(sidecar)
        await until(lambda: network.all_in_step_on(FOUR))
        assert newcomer.process.starts == [FOUR]


async def test_two_strangers_of_one_name_are_each_refused_once() -> None:
    async with federation(*TRIO) as network:
        for port in (9008, 9009):
            network.add(server(8, port), port, 9999)
        both = network.sidecars[3:]
        await until(lambda: all(sidecar.phase is Phase.REFUSED for sidecar in both))
        await anyio.sleep(5)
        assert await calls_within(network, 30) < 100
        assert all(sidecar.phase is Phase.REFUSED for sidecar in both)


async def test_a_process_that_was_stopped_is_not_called_healthy() -> None:
    async with federation(*TRIO) as network:
        third = network.sidecars[2]
        third.probe = StubbornProbe(third.process)
        await network.stop(third)
        network.boot(third)
        await until(lambda: network.all_in_step_on(THREE))
        third.process.stopping = 30.0
        post(network, RequestKind.REMOVE, "fed-3")
        await until(lambda: isinstance(third.board.view.process, NotLaunched))
        assert not third.board.view.healthy


async def test_at_rest_answers_that_nobody_came_for_are_tidied_up_too() -> None:
    async with federation(*TRIO) as network:
        post(network, RequestKind.REMOVE, "nobody")
        await until(lambda: _outcome(network) is not None)
        await anyio.sleep(2 * OUTCOME_KEPT)
        assert network.read(Request, KEYS.request("r")) is None


def _outcome(network: Federation) -> object:
    found = network.read(Request, KEYS.request("r"))
    return found and found.outcome


async def test_no_record_that_anybody_writes_into_etcd_brings_a_sidecar_down() -> None:
    forged = encode(report(server(2))).replace(b'"since":0.0', b'"since":1' + b"0" * 400)
    request = encode(ask(RequestKind.REMOVE, "X")).replace(b"X", rb"\ud800")
    values = (b"", b"\xff", b"[]", b"null", b"1e999", b"[" * 100_000, forged, request)
    async with federation(*TRIO) as network:
        database = network.add(DATABASE, 9000)
        await until(lambda: network.all_in_step_on(THREE))
        for value in values:
            for key in (
                KEYS.policy,
                KEYS.report(NodeID("fed-9")),
                KEYS.request("x"),
                KEYS.request("join-fed-9"),
                KEYS.member(NodeID("fed-9")),
                KEYS.removed("fed-9"),
                KEYS.grant(NodeID("fed-2")),
                KEYS.verdict(NodeID("fed-2")),
                KEYS.candidate(99),
                f"{KEYS.root}node/fed-9",
                f"{KEYS.root}node//grant",
            ):
                network.write(key, value)
            await anyio.sleep(1)
            assert all(sidecar.alive for sidecar in network.sidecars)
        assert database.process.starts == [THREE]
        network.add(server(4, 9004), 9000, 9004)
        await until(lambda: servers_in(database) == FOUR)


async def test_an_edit_of_another_key_while_a_rejected_one_is_kept_survives() -> None:
    async with federation(*TRIO) as network:
        first = network.sidecars[0]
        await network.stop(first)
        first.state = SlowState(first.state.good)
        network.boot(first)
        await until(lambda: network.all_in_step_on(THREE))
        document = await first.file.read()
        first.file.edit(edited(document, servers(9000, 9666)))
        await first.state.keeping.wait()
        noted = document.text.replace('"Mode"', '"Note": "mine", "Mode"').encode()
        first.file.edit(edited(Document.parse(noted, source="", role=document.role), servers(9000, 9667)))
        await until(lambda: servers_in(first) == THREE)
        assert b'"mine"' in first.file.data
        assert any("9667" in kept for kept in first.state.rejected)


async def test_a_list_that_could_not_be_put_back_while_the_disk_was_full_is_put_back_later() -> None:
    async with federation(*TRIO) as network:
        first = network.sidecars[0]
        await network.stop(first)
        state = FullState(first.state.good)
        first.state = state
        network.boot(first)
        await until(lambda: network.all_in_step_on(THREE))
        good = first.file.data
        first.file.edit(re.sub(rb"\[.*\]", b"5", good))
        await anyio.sleep(5)
        assert first.board.view.file_problem
        state.full = False
        await until(lambda: first.file.data == good and not first.board.view.file_problem)


async def test_a_turn_into_a_version_that_was_put_back_holds_up_nobody() -> None:
    async with federation(*TRIO) as network:
        network.write(KEYS.grant(NodeID("fed-2")), encode(Grant(7, 1, 0.0)))
        network.add(server(4, 9004), 9000, 9004)
        await until(lambda: network.all_in_step_on(FOUR))
