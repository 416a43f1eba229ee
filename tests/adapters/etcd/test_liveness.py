"""Streams and members that die without a word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import Put, Transaction
from sidecar_demo.embedded_etcd import supports
from tests.kit.etcd.servers import EtcdCluster, EtcdServer, etcd_binary

pytestmark = pytest.mark.anyio

KEY = "/liveness/key"
WRITE = Transaction((), (Put(KEY, b"x"),))
_KEEPALIVE_TIMER = "02"


def timers_of_connections_to(port: int) -> set[str]:
    """The kernel's timers on established connections to ``port`` (``proc(5)``, ``/proc/net/tcp``)."""
    remote, established = f"0100007F:{port:04X}", "01"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[5].split(":")[0] for row in rows if row[2] == remote and row[3] == established}


async def test_the_kernel_probes_the_connections_of_calls_and_of_watches(own_etcd: EtcdServer) -> None:
    async with own_etcd.store() as store:
        listing = await store.read(Range(KEY))
        assert timers_of_connections_to(own_etcd.port) == {_KEEPALIVE_TIMER}
        async with store.watch(Range(KEY), after=listing.revision):
            assert timers_of_connections_to(own_etcd.port) == {_KEEPALIVE_TIMER}


async def test_a_watch_on_a_frozen_etcd_ends_with_the_keep_alive(own_etcd: EtcdServer) -> None:
    async with own_etcd.store(call_timeout=2) as store:
        lease = await store.grant_lease(30)
        listing = await store.read(Range(KEY))
        async with store.watch(Range(KEY), after=listing.revision) as batches:
            own_etcd.suspend()
            async with anyio.create_task_group() as tasks:

                async def keep_alive() -> None:
                    with pytest.raises(StoreUnavailable):
                        await store.keep_alive(lease)

                tasks.start_soon(keep_alive)
                with anyio.fail_after(20), pytest.raises(StoreUnavailable, match="given up"):
                    await anext(batches)
            own_etcd.resume()
        assert await store.keep_alive(lease) > 0


async def test_a_watch_that_is_silent_for_too_long_ends(shared_etcd: EtcdServer) -> None:
    async with shared_etcd.store(watch_silence_timeout=0.2) as store:
        listing = await store.read(Range(KEY))
        async with store.watch(Range(KEY), after=listing.revision) as batches:
            with anyio.fail_after(20), pytest.raises(StoreUnavailable, match="silent for"):
                await anext(batches)


async def test_progress_that_etcd_reports_keeps_a_silent_watch_open(tmp_path: Path) -> None:
    flag = "--watch-progress-notify-interval"
    if not supports(etcd_binary(), flag):
        flag = "--experimental-watch-progress-notify-interval"  # up to 3.5
    etcd = EtcdServer(tmp_path, flag, "200ms")
    try:
        await to_thread.run_sync(etcd.start)
        async with etcd.store(watch_silence_timeout=4) as store:
            listing = await store.read(Range(KEY))
            async with store.watch(Range(KEY), after=listing.revision) as batches:
                with anyio.move_on_after(10) as waiting:
                    await anext(batches)
                assert waiting.cancelled_caught
                await store.commit(WRITE)
                assert KEY in (await anext(batches)).changes
    finally:
        etcd.kill()


async def test_a_watch_ends_when_its_member_has_lost_the_clusters_leader(etcd_cluster: EtcdCluster) -> None:
    lonely, *others = etcd_cluster.members
    async with lonely.store(call_timeout=1) as store:
        await _until_it_works(store)
        lease = await store.grant_lease(60)
        listing = await store.read(Range(KEY))
        async with store.watch(Range(KEY), after=listing.revision) as batches:
            for member in others:
                member.kill()
            with anyio.fail_after(20), pytest.raises(StoreUnavailable, match="no leader"):
                await anext(batches)
        with pytest.raises(StoreUnavailable):
            await store.commit(WRITE)
        with pytest.raises(StoreUnavailable):
            await store.keep_alive(lease)
        with pytest.raises(StoreUnavailable):
            async with store.watch(Range(KEY), after=listing.revision):
                pass


async def test_calls_and_watches_move_on_when_their_member_dies(etcd_cluster: EtcdCluster) -> None:
    settings = EtcdSettings(etcd_cluster.urls, call_timeout=3)
    async with EtcdStore(settings) as store:
        await _until_it_works(store)
        lease = await store.grant_lease(30)
        listing = await store.read(Range(KEY))
        async with store.watch(Range(KEY), after=listing.revision) as batches:
            etcd_cluster.members[0].kill()
            with anyio.fail_after(20), pytest.raises(StoreUnavailable):
                await anext(batches)
        with anyio.fail_after(20):
            await _until_it_works(store)
            assert await store.keep_alive(lease) > 0
            async with store.watch(Range(KEY), after=listing.revision) as batches:
                assert KEY in (await anext(batches)).changes


async def test_a_watch_moves_on_when_its_member_freezes(etcd_cluster: EtcdCluster) -> None:
    settings = EtcdSettings(etcd_cluster.urls, call_timeout=3)
    async with EtcdStore(settings) as store:
        await _until_it_works(store)
        lease = await store.grant_lease(30)
        listing = await store.read(Range(KEY))
        async with store.watch(Range(KEY), after=listing.revision) as batches:
            etcd_cluster.members[0].suspend()
            with anyio.fail_after(20):
                while True:
                    try:
                        assert await store.keep_alive(lease) > 0
                        break
                    except StoreUnavailable:
                        await anyio.sleep(0.05)
                with pytest.raises(StoreUnavailable, match="given up"):
                    await anext(batches)
        with anyio.fail_after(20):
            await _until_it_works(store)
            async with store.watch(Range(KEY), after=listing.revision) as batches:
                assert KEY in (await anext(batches)).changes


async def _until_it_works(store: EtcdStore) -> None:
    """Write, as a loop does: again and again."""
    while True:
        try:
            await store.commit(WRITE)
        except StoreUnavailable:
            await anyio.sleep(0.05)
        else:
            return


def test_no_library_is_imported_before_it_is_needed(shared_etcd: EtcdServer) -> None:
    program = f"""
import sys, anyio
from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.domain.records.keys import Range
async def main():
    async with EtcdStore(EtcdSettings(("{shared_etcd.url}",))) as store:
        assert "etcd3gw" not in sys.modules
        await store.read(Range("x"))
        assert "etcd3gw" in sys.modules
        assert "aiohttp" not in sys.modules
anyio.run(main)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
