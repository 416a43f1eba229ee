"""Whole networks at their edges: a server that leaves while it restarts, one that returns while it stops."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from sidecar.domain.records.encoding import encode
from sidecar.domain.records.report import Phase
from sidecar.domain.records.requests import RequestKind
from sidecar.domain.records.store import Delete, Transaction
from sidecar.domain.servers import ServerList
from tests.agent.sidecars import TTL, Federation, federation, servers_in, until
from tests.builders import DATABASE, KEYS, THREE, operator_request, server, servers

pytestmark = pytest.mark.anyio

TRIO = (server(1), server(2), server(3))
FOUR = servers(9000, 9001, 9002, 9004)
EVERYTHING = Transaction((), (Delete(KEYS.root, KEYS.root[:-1] + "0"),))


def send_request(network: Federation, kind: RequestKind, subject: str, name: str = "r") -> None:
    network.write(KEYS.request(name), encode(operator_request(kind, subject)))


async def test_a_network_whose_etcd_was_emptied_still_admits_servers() -> None:
    async with federation(server(1), ports=(9000,)) as network:
        database = network.add(DATABASE, 9000)
        await until(lambda: network.all_in_step_on(servers(9000)))
        network.cluster.commit(EVERYTHING)
        await until(lambda: KEYS.canonical in network.cluster.list(KEYS.ranges_of_leader()).entries)
        network.add(server(4, 9004), 9000, 9004)
        await until(lambda: network.all_in_step_on(servers(9000, 9004)))
        assert servers_in(database) == servers(9000, 9004)


async def test_a_follower_suspended_for_long_catches_up() -> None:
    async with federation(*TRIO) as network:
        follower = next(sidecar for sidecar in network.sidecars if not sidecar.is_leader)
        follower.store.freeze_watches()
        follower.store.lose_requests(1000)
        await anyio.sleep(3 * TTL)
        network.add(server(4, 9004), 9000, 9004)
        await anyio.sleep(TTL)
        follower.store.lose_requests(0)
        follower.store.thaw_watches()
        await until(lambda: network.all_in_step_on(FOUR))
        assert len(follower.process.starts) == 2


async def test_a_server_readmitted_while_stopping_starts_once() -> None:
    async with federation(*TRIO) as network:
        third = network.sidecars[2]
        third.process.stop_duration = 20.0
        send_request(network, RequestKind.REMOVE, "fed-3")
        await until(lambda: third.phase is Phase.REMOVED)
        send_request(network, RequestKind.READMIT, "fed-3", "s")
        await until(lambda: network.all_in_step_on(THREE))
        assert (len(third.process.starts), third.process.stops) == (2, 1)


async def test_a_server_removed_while_it_restarts_stays_stopped() -> None:
    async with federation(*TRIO) as network:
        for sidecar in network.sidecars:
            sidecar.process.stop_duration = 20.0
        network.add(server(4, 9004), 9000, 9004)
        await until(lambda: any(each.phase is Phase.RESTARTING for each in network.sidecars))
        (restarting,) = (each for each in network.sidecars if each.phase is Phase.RESTARTING)
        send_request(network, RequestKind.REMOVE, restarting.identity.node_id)
        rest = FOUR.without([url for url in FOUR if url == restarting.identity.url])
        await until(lambda: network.all_in_step_on(rest))
        assert len(restarting.process.starts) == 1


async def test_a_readmitted_server_left_running_waits_for_a_grant() -> None:
    async with federation(*TRIO) as network:
        third = network.sidecars[2]
        third.board.set_options(replace(third.board.view.options, stop_when_removed=False))
        send_request(network, RequestKind.REMOVE, "fed-3")
        await until(lambda: third.phase is Phase.REMOVED)
        await until(lambda: network.all_in_step_on(servers(9000, 9001)))
        assert third.process.stops == 0
        send_request(network, RequestKind.READMIT, "fed-3", "s")
        await until(lambda: network.canonical.servers == THREE)
        await until(lambda: network.all_in_step_on(THREE))
        assert third.process.stops == 0  # it still runs on the same list


async def test_a_database_node_removed_and_readmitted_starts_again() -> None:
    async with federation(*TRIO) as network:
        database = network.add(DATABASE, 9000)
        await until(lambda: network.all_in_step_on(THREE))
        send_request(network, RequestKind.REMOVE, "db-1")
        await until(lambda: database.phase is Phase.REMOVED and database.process.stops == 1)
        assert network.canonical.version == 1
        send_request(network, RequestKind.READMIT, "db-1", "s")
        await until(lambda: network.all_in_step_on(THREE))
        assert len(database.process.starts) == 2


async def test_two_spellings_of_a_url_are_one_server() -> None:
    async with federation(*TRIO) as network:
        spelt = server(4, 9004)
        other = replace(spelt, url=ServerList.parse(["HTTP://LocalHost:9004/"]).urls[0])
        network.add(other, 9000, 9004)
        await until(lambda: network.all_in_step_on(FOUR))
        await anyio.sleep(60)
        assert [len(sidecar.process.starts) for sidecar in network.sidecars] == [2, 2, 2, 1]
