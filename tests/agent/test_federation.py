"""Whole networks of sidecars, in memory and on a virtual clock: the loops together."""

from __future__ import annotations

import math
from functools import partial

import anyio
import pytest

from sidecar.domain.records.encoding import encode
from sidecar.domain.records.report import Phase
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.store import Delete, Transaction
from sidecar.domain.servers import ServerList
from tests.agent.sidecars import TTL, Federation, Sidecar, federation, servers_in, until
from tests.builders import DATABASE, KEYS, THREE, operator_request, server, servers
from tests.fakes.memory_node import with_other_servers

pytestmark = pytest.mark.anyio

TRIO = (server(1), server(2), server(3))
FOUR = servers(9000, 9001, 9002, 9004)


def send_request(network: Federation, kind: RequestKind, subject: str, name: str = "r") -> None:
    network.write(KEYS.request(name), encode(operator_request(kind, subject)))


def starts(network: Federation) -> list[int]:
    return [len(sidecar.process.starts) for sidecar in network.sidecars]


async def edit_list(sidecar: Sidecar, forged: ServerList) -> None:
    sidecar.file.edit(with_other_servers(await sidecar.file.read(), forged))


async def test_three_servers_in_sync_start_once_and_write_nothing() -> None:
    async with federation(*TRIO) as network:
        assert [sidecar.file.writes for sidecar in network.sidecars] == [0, 0, 0]
        assert starts(network) == [1, 1, 1]
        assert len(network.leaders) == 1
        assert network.canonical.version == 1


async def test_an_idle_network_only_renews_its_leases() -> None:
    async with federation(*TRIO) as network:
        await anyio.sleep(5)
        before = [sidecar.store.calls for sidecar in network.sidecars]
        await anyio.sleep(30 * TTL)
        spent = [sidecar.store.calls - calls for sidecar, calls in zip(network.sidecars, before, strict=True)]
        assert all(85 <= calls <= 95 for calls in spent)  # three renewals a TTL


async def test_a_join_restarts_every_server_once_one_at_a_time() -> None:
    async with federation(*TRIO) as network:
        for sidecar in network.sidecars:
            sidecar.process.stop_duration = sidecar.probe.startup_duration = 5.0
        down = []

        async def count_the_down() -> None:
            while True:
                down.append(sum(not sidecar.board.view.health.healthy for sidecar in network.sidecars[:3]))
                await anyio.sleep(0.1)

        network.tasks.start_soon(count_the_down)
        network.add(server(4, 9004), 9000, 9004)
        await until(lambda: network.all_in_step_on(FOUR))
        assert starts(network) == [2, 2, 2, 1]
        assert network.sidecars[3].process.starts == [FOUR]
        assert max(down) == 1


async def test_files_follow_at_once_while_restarts_wait() -> None:
    async with federation(*TRIO) as network:
        for sidecar in network.sidecars:
            sidecar.process.stop_duration = 60.0
        network.add(server(4, 9004), 9000, 9004)
        took = await until(lambda: all(servers_in(sidecar) == FOUR for sidecar in network.sidecars))
        assert took < 1.0


def _listed(network: Federation, port: int) -> bool:
    return f":{port}" in str(network.canonical.servers)


async def test_several_changes_while_waiting_become_one_restart() -> None:
    async with federation(*TRIO) as network:
        for sidecar in network.sidecars:
            sidecar.process.stop_duration = 30.0
        for port in (9004, 9005, 9006):
            network.add(server(port, port), 9000, port)
            await until(partial(_listed, network, port))
        full = servers(9000, 9001, 9002, 9004, 9005, 9006)
        await until(lambda: network.all_in_step_on(full), max_seconds=600)
        assert max(starts(network)) <= 3  # four versions, at most two restarts


async def test_a_stranger_never_starts_until_its_file_names_a_member() -> None:
    async with federation(*TRIO) as network:
        stranger = network.add(server(8, 9008), 9008, 9999)
        await until(lambda: stranger.phase is Phase.REFUSED)
        await anyio.sleep(60)
        assert (stranger.process.starts, stranger.file.writes) == ([], 0)
        await edit_list(stranger, servers(9000, 9008))
        await until(lambda: network.all_in_step_on(servers(9000, 9001, 9002, 9008)))


async def test_a_removed_server_stays_out_until_it_is_readmitted() -> None:
    async with federation(*TRIO) as network:
        third = network.sidecars[2]
        send_request(network, RequestKind.REMOVE, "fed-3")
        await until(lambda: third.phase is Phase.REMOVED and third.process.stops == 1)
        await until(lambda: network.all_in_step_on(servers(9000, 9001)))
        assert servers_in(third) == THREE
        for _ in range(3):
            await network.stop(third)
            network.boot(third)
            await until(lambda: third.phase is Phase.REMOVED)
        assert len(third.process.starts) == 1
        send_request(network, RequestKind.READMIT, "fed-3", "s")
        await until(lambda: network.all_in_step_on(THREE))
        assert len(third.process.starts) == 2


async def test_a_removed_server_does_not_start_during_an_etcd_outage() -> None:
    async with federation(*TRIO) as network:
        third = network.sidecars[2]
        send_request(network, RequestKind.REMOVE, "fed-3")
        await until(lambda: third.phase is Phase.REMOVED)
        await network.stop(third)
        third.store.disconnect()
        network.boot(third)
        await anyio.sleep(5 * TTL)
        assert third.phase is Phase.WAITING
        assert len(third.process.starts) == 1


async def test_the_leader_that_is_removed_hands_over() -> None:
    async with federation(*TRIO) as network:
        (leader,) = network.leaders
        send_request(network, RequestKind.REMOVE, leader.identity.node_id)
        await until(
            lambda: leader.phase is Phase.REMOVED and len(network.leaders) == 1 and not leader.is_leader
        )
        rest = THREE.without([url for url in THREE if url == leader.identity.url])
        await until(lambda: network.all_in_step_on(rest))
        found = network.read(Request, KEYS.request("r"))
        assert found is not None
        assert found.outcome is not None


async def test_a_live_edit_of_the_list_is_reverted_without_a_restart() -> None:
    async with federation(*TRIO) as network:
        first = network.sidecars[0]
        await edit_list(first, servers(9000, 9666))
        assert await until(lambda: servers_in(first) == THREE) < 1.0
        assert starts(network) == [1, 1, 1]
        assert "9666" in first.state.rejected[0]


async def test_no_process_loads_a_forged_file_not_even_the_leaders() -> None:
    async with federation(*TRIO) as network:
        for sidecar in network.sidecars:
            await network.stop(sidecar)
            await edit_list(sidecar, servers(9000, 9001, 9002, 9666))
            network.boot(sidecar)
            await until(lambda: network.all_in_step_on(THREE))
            assert sidecar.process.starts == [THREE, THREE]


async def test_a_database_node_gets_the_list_and_never_leads() -> None:
    async with federation(*TRIO) as network:
        database = network.add(DATABASE, 9000)
        await until(lambda: network.all_in_step_on(THREE))
        assert database.process.starts == [THREE]
        for sidecar in network.sidecars[:3]:
            sidecar.scope.cancel()
        await anyio.sleep(5 * TTL)
        assert not database.is_leader


async def test_when_the_leaders_sidecar_is_killed_another_leads_within_the_ttl() -> None:
    async with federation(*TRIO) as network:
        await anyio.sleep(7 * TTL)
        (leader,) = network.leaders
        leader.store.disconnect()  # a killed process gives no lease back
        leader.scope.cancel()
        took = await until(lambda: any(each is not leader and each.is_leader for each in network.sidecars))
        assert took <= TTL + 1
        assert starts(network) == [1, 1, 1]


async def test_a_stopped_leader_is_succeeded_at_once() -> None:
    async with federation(*TRIO) as network:
        (leader,) = network.leaders
        leader.process.stop_duration = 30.0
        leader.shutdown.request_stop()
        took = await until(lambda: any(each is not leader and each.is_leader for each in network.sidecars))
        assert took < 1.0


async def test_an_outage_shorter_than_the_lease_changes_nothing() -> None:
    async with federation(*TRIO) as network:
        (leader,) = network.leaders
        for sidecar in network.sidecars:
            sidecar.store.disconnect()
        await anyio.sleep(TTL / 4)
        for sidecar in network.sidecars:
            sidecar.store.reconnect()
        await anyio.sleep(5 * TTL)
        assert network.leaders == [leader]
        assert leader.board.counters.leader_terms == 1
        assert starts(network) == [1, 1, 1]


async def test_a_long_outage_stops_no_process_and_all_catch_up() -> None:
    async with federation(*TRIO) as network:
        third = network.sidecars[2]
        for sidecar in network.sidecars:
            sidecar.store.disconnect()
        await anyio.sleep(60 * TTL)
        assert network.leaders == []
        assert starts(network) == [1, 1, 1]
        assert all(sidecar.process.stops == 0 for sidecar in network.sidecars)
        for sidecar in network.sidecars[:2]:
            sidecar.store.reconnect()
        network.add(server(4, 9004), 9000, 9004)
        await until(lambda: all(servers_in(sidecar) == FOUR for sidecar in network.sidecars[:2]))
        third.store.reconnect()
        await until(lambda: network.all_in_step_on(FOUR))


async def test_a_mutilated_list_is_neither_applied_nor_extended() -> None:
    async with federation(*TRIO) as network:
        for value in (b"{", b"[]", encode(network.canonical).replace(b'"http://localhost:9000",', b"")):
            kept = encode(network.canonical)
            network.write(KEYS.canonical, value)
            if b"9001" in value:  # two of three: an operator may do that
                break
            await anyio.sleep(TTL)
            assert all(servers_in(sidecar) == THREE for sidecar in network.sidecars)
            assert all("rejected" in sidecar.board.decision.reason for sidecar in network.sidecars)
            assert starts(network) == [1, 1, 1]
            network.write(KEYS.canonical, kept)
            await anyio.sleep(1)


async def test_when_etcd_lost_everything_the_last_known_list_is_published_again() -> None:
    async with federation(*TRIO) as network:
        network.cluster.commit(Transaction((), (Delete(KEYS.root, KEYS.root[:-1] + "0"),)))
        await until(lambda: KEYS.canonical in network.cluster.list(KEYS.ranges_of_leader()).entries)
        await until(lambda: network.all_in_step_on(THREE))
        assert network.canonical.version == 2
        assert starts(network) == [1, 1, 1]


async def test_a_process_that_exits_is_started_again() -> None:
    async with federation(*TRIO) as network:
        first = network.sidecars[0]
        first.process.die(retry_in=3.0)
        await until(lambda: len(first.process.starts) == 2)
        await until(lambda: network.all_in_step_on(THREE))


async def test_a_node_that_stays_unhealthy_keeps_its_grant() -> None:
    async with federation(*TRIO) as network:
        for sidecar in network.sidecars:
            sidecar.probe.unhealthy_from_start = 2
        network.add(server(4, 9004), 9000, 9004)
        await anyio.sleep(20 * TTL)
        one, *others = sorted(starts(network)[:3], reverse=True)
        assert one > 2, "it is retried, with a growing timeout"
        assert others == [1, 1]
        for sidecar in network.sidecars:
            sidecar.probe.unhealthy_from_start = math.inf
        await until(lambda: network.all_in_step_on(FOUR))
        assert sorted(starts(network)[:3]) == [2, 2, one]
