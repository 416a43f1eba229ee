"""Whole networks under rare faults: lost answers, lagging watches, restored stores, forged records."""

from __future__ import annotations

import re

import anyio
import pytest

from sidecar.domain.documents.document import Document
from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.membership.cleanup import OUTCOME_RETENTION
from sidecar.domain.node.process import NotLaunched
from sidecar.domain.records.encoding import encode
from sidecar.domain.records.report import Phase
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.rollout import Grant
from sidecar.domain.records.store import Delete, Revision, Transaction
from sidecar.domain.servers import NodeID
from tests.agent.faults import (
    AlwaysHealthyProbe,
    FullState,
    LaggingStore,
    ReadOnlyReportsStore,
    SlowState,
    WatchlessStore,
)
from tests.agent.sidecars import TTL, Federation, Sidecar, federation, servers_in, until
from tests.builders import DATABASE, KEYS, THREE, join, operator_request, report, server, servers
from tests.fakes.memory_node import with_other_servers
from tests.fakes.memory_store import MemoryStore

pytestmark = pytest.mark.anyio

TRIO = (server(1), server(2), server(3))
FOUR = servers(9000, 9001, 9002, 9004)


def send_request(network: Federation, kind: RequestKind, subject: str, name: str = "r") -> None:
    network.write(KEYS.request(name), encode(operator_request(kind, subject)))


def store_calls(network: Federation) -> int:
    return sum(sidecar.store.calls for sidecar in network.sidecars)


async def store_calls_within(network: Federation, seconds: float) -> int:
    before = store_calls(network)
    await anyio.sleep(seconds)
    return store_calls(network) - before


async def reboot_with_store(network: Federation, sidecar: Sidecar, store: MemoryStore) -> None:
    await network.stop(sidecar)
    sidecar.store = store
    network.boot(sidecar)
    await until(lambda: network.all_in_step_on(THREE))


async def test_a_removed_leader_resigns_again_after_a_lost_resignation() -> None:
    async with federation(*TRIO) as network:
        (leader,) = network.leaders
        commit = leader.store.cluster.commit

        def commit_but_lose(transaction: Transaction) -> Revision | None:
            if any(each.key.startswith(f"{KEYS.root}leader/") for each in transaction.operations):
                leader.store.cluster.commit = commit  # type: ignore[method-assign]  # one lost request
                raise StoreUnavailable("etcd is unavailable: the request was lost")
            return commit(transaction)

        leader.store.cluster.commit = commit_but_lose  # type: ignore[method-assign]  # as above
        send_request(network, RequestKind.REMOVE, leader.identity.node_id)
        await until(lambda: leader.phase is Phase.REMOVED)
        await until(lambda: len(network.leaders) == 1 and not leader.is_leader)


async def test_grants_stay_one_at_a_time_when_their_watch_lags() -> None:
    async with federation(*TRIO) as network:
        (leader,) = network.leaders
        store = LaggingStore(network.cluster)
        for sidecar in network.sidecars:
            if sidecar is not leader:
                await network.stop(sidecar)
        await reboot_with_store(network, leader, store)
        for sidecar in network.sidecars:
            sidecar.process.stop_duration = 5.0
            if sidecar is not leader:
                network.boot(sidecar)
        await until(lambda: network.all_in_step_on(THREE) and network.leaders == [leader])
        store.lag = True
        network.add(server(4, 9004), 9000, 9004)
        most = 0
        with anyio.move_on_after(30):
            while True:
                grants = [
                    key
                    for key in network.cluster.list(KEYS.ranges_of_leader()).entries
                    if key.endswith("/grant")
                ]
                most = max(most, len(grants))
                await anyio.sleep(0.02)
        assert most == 1


async def test_a_leader_survives_an_etcd_restored_to_a_lower_revision() -> None:
    async with federation(*TRIO) as network:
        for number in range(50):
            send_request(network, RequestKind.REMOVE, "fed-99", f"r{number}")
            await anyio.sleep(0.1)
        network.cluster._revision = Revision(network.cluster.revision - 40)
        network.cluster._history.clear()
        for sidecar in network.sidecars:
            sidecar.store.end_watches()
        await anyio.sleep(1)
        network.write(KEYS.request("join-fed-4"), encode(join(server(4, 9004), 9000, 9004)))
        await until(lambda: network.canonical.servers == FOUR, max_seconds=TTL)


async def test_a_node_without_watches_backs_off() -> None:
    async with federation(*TRIO) as network:
        for sidecar in network.sidecars:
            await reboot_with_store(network, sidecar, WatchlessStore(network.cluster))
        for sidecar in network.sidecars:
            sidecar.store.deaf = True  # type: ignore[attr-defined]  # it is a DeafStore
            sidecar.store.end_watches()
        # Each of the three sidecars lists the network and tries to watch it, again after each backoff.
        assert await store_calls_within(network, 60) < 3000


async def test_a_node_that_may_not_report_backs_off() -> None:
    async with federation(*TRIO) as network:
        store = ReadOnlyReportsStore(network.cluster)
        await reboot_with_store(network, network.sidecars[0], store)
        store.forbidden = True
        network.sidecars[0].probe.healthy = False  # something to report
        await anyio.sleep(60)
        before = store.calls
        await anyio.sleep(60)
        assert store.calls - before < 150


async def test_a_lost_join_request_is_sent_again() -> None:
    async with federation(*TRIO) as network:
        for sidecar in network.sidecars:
            await network.stop(sidecar)
        newcomer = network.add(server(4, 9004), 9000, 9004)
        request = KEYS.request("join-fed-4")
        await until(lambda: request in network.cluster.list(KEYS.ranges_of_leader()).entries)
        network.cluster.commit(Transaction((), (Delete(request),)))
        for sidecar in network.sidecars[:3]:
            network.boot(sidecar)
        await until(lambda: network.all_in_step_on(FOUR))
        assert newcomer.process.starts == [FOUR]


async def test_two_strangers_with_one_node_id_are_each_refused_once() -> None:
    async with federation(*TRIO) as network:
        for port in (9008, 9009):
            network.add(server(8, port), port, 9999)
        both = network.sidecars[3:]
        await until(lambda: all(sidecar.phase is Phase.REFUSED for sidecar in both))
        await anyio.sleep(5)
        assert await store_calls_within(network, 30) < 100
        assert all(sidecar.phase is Phase.REFUSED for sidecar in both)


async def test_a_stopped_process_is_not_reported_healthy() -> None:
    async with federation(*TRIO) as network:
        third = network.sidecars[2]
        third.probe = AlwaysHealthyProbe(third.process)
        await network.stop(third)
        network.boot(third)
        await until(lambda: network.all_in_step_on(THREE))
        third.process.stop_duration = 30.0
        send_request(network, RequestKind.REMOVE, "fed-3")
        await until(lambda: isinstance(third.board.view.process.state, NotLaunched))
        assert not third.board.view.health.healthy


async def test_unread_request_results_expire_in_an_idle_network() -> None:
    async with federation(*TRIO) as network:
        send_request(network, RequestKind.REMOVE, "fed-99")
        await until(lambda: _outcome(network) is not None)
        await anyio.sleep(2 * OUTCOME_RETENTION)
        assert network.read(Request, KEYS.request("r")) is None


def _outcome(network: Federation) -> object:
    found = network.read(Request, KEYS.request("r"))
    return found and found.outcome


async def test_no_record_in_etcd_can_crash_a_sidecar() -> None:
    forged = encode(report(server(2))).replace(b'"since":0.0', b'"since":1' + b"0" * 400)
    request = encode(operator_request(RequestKind.REMOVE, "X")).replace(b"X", rb"\ud800")
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
                KEYS.tombstone("fed-9"),
                KEYS.grant(NodeID("fed-2")),
                KEYS.verdict(NodeID("fed-2")),
                KEYS.candidate(99),
                f"{KEYS.root}node/fed-9",
                f"{KEYS.root}node//grant",
            ):
                network.write(key, value)
            await anyio.sleep(1)
            assert all(sidecar.running for sidecar in network.sidecars)
        assert database.process.starts == [THREE]
        network.add(server(4, 9004), 9000, 9004)
        await until(lambda: servers_in(database) == FOUR)


async def test_an_edit_made_while_another_is_saved_survives() -> None:
    async with federation(*TRIO) as network:
        first = network.sidecars[0]
        await network.stop(first)
        first.state = SlowState(first.state.saved)
        network.boot(first)
        await until(lambda: network.all_in_step_on(THREE))
        document = await first.file.read()
        first.file.edit(with_other_servers(document, servers(9000, 9666)))
        await first.state.keeping.wait()
        noted = document.text.replace('"Mode"', '"Note": "mine", "Mode"').encode()
        first.file.edit(
            with_other_servers(Document.parse(noted, source="", role=document.role), servers(9000, 9667))
        )
        await until(lambda: servers_in(first) == THREE)
        assert b'"mine"' in first.file.data
        assert any("9667" in kept for kept in first.state.rejected)


async def test_a_list_is_restored_once_the_disk_has_room() -> None:
    async with federation(*TRIO) as network:
        first = network.sidecars[0]
        await network.stop(first)
        state = FullState(first.state.saved)
        first.state = state
        network.boot(first)
        await until(lambda: network.all_in_step_on(THREE))
        good = first.file.data
        first.file.edit(re.sub(rb"\[.*\]", b"5", good))
        await anyio.sleep(5)
        assert first.board.view.file.problem
        state.full = False
        await until(lambda: first.file.data == good and not first.board.view.file.problem)


async def test_a_grant_for_a_rolled_back_version_blocks_no_node() -> None:
    async with federation(*TRIO) as network:
        network.write(KEYS.grant(NodeID("fed-2")), encode(Grant(7, 1, 0.0)))
        network.add(server(4, 9004), 9000, 9004)
        await until(lambda: network.all_in_step_on(FOUR))
