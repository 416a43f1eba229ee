"""The admin API over real sockets: its responses."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sidecar.config import Address
from sidecar.domain.node.status import Status
from tests.admin.client import api
from tests.admin.statuses import RUNNING

pytestmark = pytest.mark.anyio


async def test_livez_succeeds_in_every_state() -> None:
    async with api(replace(RUNNING, synced=False, lease_alive=False, healthy=False)) as served:
        got = await served.ask("/livez")

    assert (got.status, json.loads(got.body)) == (200, {"alive": True, "reasons": []})


async def test_readyz_requires_sync_file_and_lease() -> None:
    async with api() as served:
        got = await served.ask("/readyz")

    assert (got.status, json.loads(got.body)) == (200, {"ready": True, "reasons": []})


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (replace(RUNNING, synced=False), "network's state"),
        (replace(RUNNING, file_up_to_date=False), "file"),
        (replace(RUNNING, file_up_to_date=False, reason="removed by an operator"), "removed by an operator"),
        (replace(RUNNING, lease_alive=False), "lease"),
    ],
)
async def test_readyz_names_what_is_missing(status: Status, word: str) -> None:
    async with api(status) as served:
        got = await served.ask("/readyz")

    document = json.loads(got.body)
    assert (got.status, document["ready"]) == (503, False)
    assert len(document["reasons"]) == 1
    assert word in document["reasons"][0]


async def test_startupz_requires_the_boot_check() -> None:
    async with api(replace(RUNNING, boot_checked=False, reason="waiting for etcd")) as served:
        early = await served.ask("/startupz")
        served.status = RUNNING
        late = await served.ask("/startupz")

    assert early.status == 503
    assert json.loads(early.body)["reasons"] == ["the boot check is not done: waiting for etcd"]
    assert late.status == 200


async def test_the_status_has_every_field_as_json() -> None:
    async with api() as served:
        got = await served.ask("/api/v1/status")

    document = json.loads(got.body)
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    assert document["node_id"] == "fed-1"
    assert document["FederatedServers"] == ["http://localhost:9000", "http://localhost:9001"]
    assert document["phase"] == "running"
    assert document["ready"] is True
    assert document["counters"]["restarts"] == 4
    shown = {field for field in Status.__dataclass_fields__ if field not in {"identity", "servers"}}
    assert shown <= set(document)


async def test_the_page_loads_nothing_from_elsewhere() -> None:
    async with api() as served:
        got = await served.ask("/")

    assert got.headers["Content-Type"] == "text/html; charset=utf-8"
    assert got.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "fed-1" in got.body
    assert "http://localhost:9001" in got.body
    assert "<script" not in got.body
    assert "src=" not in got.body


async def test_metrics_have_the_content_type_of_prometheus() -> None:
    async with api() as served:
        got = await served.ask("/metrics")

    assert got.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "federation_sidecar_leader 1\n" in got.body


@pytest.mark.parametrize("path", ["/", "/livez", "/metrics", "/api/v1/status"])
async def test_head_is_get_without_a_body(path: str) -> None:
    async with api() as served:
        got, head = await served.ask(path), await served.ask(path, "HEAD")

    assert (head.status, head.body) == (200, "")
    assert head.headers["Content-Length"] == str(len(got.body.encode()))
    assert head.headers["Content-Type"] == got.headers["Content-Type"]


async def test_a_query_changes_nothing() -> None:
    async with api() as served:
        assert (await served.ask("/readyz?verbose=1")).status == 200


async def test_an_unknown_path_lists_the_known_ones() -> None:
    async with api() as served:
        got = await served.ask("/admin/%2e%2e/metricz")

    assert got.status == 404
    assert "/api/v1/status" in json.loads(got.body)["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_not_allowed(method: str) -> None:
    async with api() as served:
        got = await served.ask("/livez", method)

    assert (got.status, got.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9180", 200),
        ("a.localhost", 200),
        ("127.0.0.1", 200),
        ("[::1]:9180", 200),
        ("[::1]", 200),
        ("evil.example:9180", 403),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("[nonsense", 403),
    ],
)
async def test_dns_rebinding_is_rejected_on_loopback(host: str, status: int) -> None:
    async with api() as served:
        assert (await served.ask("/livez", host=host)).status == status


async def test_other_addresses_accept_any_host_name() -> None:
    async with api(address=Address("0.0.0.0", 0)) as served:
        assert (await served.ask("/livez", host="fed-1.example")).status == 200
