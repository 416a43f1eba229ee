"""The admin API of a real sidecar."""

from __future__ import annotations

import json
import socket

from tests.kit.network import Network
from tests.kit.product_texts import IN_SYNC


def test_every_path_answers_once_the_node_is_in_sync(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)

    for path, key in (("/livez", "alive"), ("/readyz", "ready"), ("/startupz", "started")):
        code, body = one.get(path)
        assert (code, json.loads(body)) == (200, {key: True, "reasons": []})
    status = one.status
    assert status["node_id"] == "fed-1"
    assert status["network"] == network.name
    assert (status["role"], status["url"]) == ("federated", one.url)
    assert (status["phase"], status["reason"]) == ("running", IN_SYNC)
    assert (status["canonical_version"], status["loaded_version"]) == (1, 1)
    assert status["FederatedServers"] == [one.url, two.url]
    assert status["pid"] == one.starts[0].pid
    assert status["counters"]["starts"] == 1
    code, metrics = one.get("/metrics")
    assert code == 200
    assert "sidecar_" in metrics
    code, page = one.get("/")
    assert code == 200
    assert "fed-1" in page
    assert one.get("/nowhere")[0] == 404


def test_a_foreign_host_name_is_rejected(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)

    assert one.get("/api/v1/status", host="evil.example")[0] == 403
    assert one.get("/api/v1/status", host="localhost")[0] == 200


def test_a_waiting_node_is_alive_but_neither_started_nor_ready(network: Network) -> None:
    (one,) = network.servers(1)
    one.start("--bootstrap", "never")
    one.wait_for_phase("waiting")

    assert one.get("/livez")[0] == 200
    for path in ("/readyz", "/startupz"):
        code, body = one.get(path)
        assert code == 503
        assert json.loads(body)["reasons"]


def test_a_port_in_use_is_reported_and_nothing_is_started(
    network: Network,
) -> None:
    (one,) = network.servers(1)
    with socket.create_server(("127.0.0.1", one.admin_port)):
        one.start()

        assert one.wait_for_exit() == 78

    assert f"admin: cannot listen on {one.admin}: port {one.admin_port} is in use" in one.log_text()
    assert "--admin HOST:PORT" in one.log_text()
    assert one.starts == []
    assert network.processes() == set()


def test_a_port_in_use_leaves_a_running_process_alone(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)
    one.kill()
    with socket.create_server(("127.0.0.1", one.admin_port)):
        one.start()
        assert one.wait_for_exit() == 78

    network.start(one)

    assert len(one.starts) == 1


def test_the_admin_api_can_be_disabled(network: Network) -> None:
    (one,) = network.servers(1)
    one.start("--admin", "off")

    network.wait(lambda: (network.report(one) or {}).get("phase") == "running", "it runs")

    assert one.get("/livez")[0] == 0
