"""The command line on a live network: what scripts rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.cli.main import COMMANDS
from tests.kit.commands import run_sidecar
from tests.kit.network import Network


def test_read_commands_show_the_same_as_text_and_as_json(network: Network) -> None:
    one, two = network.servers(2)
    database = network.database("db-1", [])
    network.start(one)
    network.start(two, database)

    servers = network.cli("servers", "--json").document
    assert servers["version"] == 1
    assert servers["FederatedServers"] == [one.url, two.url]
    leader = network.cli("leader", "--json").document
    assert (leader["node_id"], leader["url"]) == ("fed-1", one.url)
    members = network.cli("members", "--json").document
    assert [member["node_id"] for member in members] == ["fed-1", "fed-2", "db-1"]
    assert [member["role"] for member in members] == ["federated", "federated", "database"]
    assert [member["url"] for member in members] == [one.url, two.url, None]
    assert [member["phase"] for member in members] == ["running"] * 3
    assert [member["healthy"] for member in members] == [True] * 3
    assert [member["loaded_version"] for member in members] == [1] * 3
    assert network.cli("removed", "--json").document == []

    for command, shown in (
        ("servers", [one.url, two.url, "version 1"]),
        ("leader", [f"fed-1 ({one.url}) leads network {network.name}"]),
        ("members", ["fed-1", "fed-2", "db-1", "running"]),
        ("removed", ["has no removed nodes"]),
    ):
        answer = network.cli(command)
        assert answer.code == 0, answer.err
        assert all(str(text) in answer.out for text in shown), answer.out


def test_a_network_that_was_never_started_is_reported(network: Network) -> None:
    assert network.cli("servers", "--json").document is None
    assert network.cli("leader", "--json").document is None
    assert network.cli("members", "--json").document == []
    assert network.cli("remove", "fed-1").code == 69


def test_an_unreachable_member_is_still_shown(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    two.stop()

    members = network.cli("members", "--json").document

    assert [(member["node_id"], member["phase"], member["healthy"]) for member in members] == [
        ("fed-1", "running", True),
        ("fed-2", "away", False),
    ]


def test_a_change_can_be_left_to_the_leader(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)

    answer = network.cli("remove", "fed-2", "--no-wait")

    assert answer.code == 0
    assert answer.out.startswith("asked to remove fed-2; the leader is fed-")
    network.wait_in_sync(one, servers=[str(one.url)])


def test_a_change_that_times_out_is_cancelled(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    for node in (one, two):
        node.stop()

    answer = network.cli("remove", "fed-2", "--timeout", "0.5")

    assert answer.code == 69
    assert "there was no leader within 0.5 s; the request to remove fed-2 was cancelled" in answer.err
    network.start(one)
    assert network.canonical["FederatedServers"] == [one.url, two.url]


def test_without_etcd_every_command_exits_with_69(network: Network, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{network.port()}"

    for line in (
        ("servers",),
        ("leader",),
        ("members",),
        ("removed",),
        ("history",),
        ("diff", "1"),
        ("pending",),
        ("wait",),
        ("plan", "remove", "fed-1"),
        ("remove", "fed-1"),
        ("readmit", "fed-1"),
    ):
        answer = run_sidecar(*line, "--etcd", nowhere, folder=tmp_path)
        assert answer.code == 69, line
        assert "etcd" in answer.err
        assert nowhere in answer.err
        assert answer.out == ""


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("run", "--lease-ttl", "soon"), 78),
        (("run", "--role", "database", "--lease-ttl", "1"), 78),
        (("run", "--", "true"), 78),
        (("run", "true"), 64),
        (("run", "--no-such-option"), 64),
        (("remove",), 64),
        (("dance",), 64),
        ((), 64),
        (("check", "federated.json"), 65),
        (("--version",), 0),
    ],
)
def test_exit_codes_are_those_of_sysexits(tmp_path: Path, line: tuple[str, ...], code: int) -> None:
    answer = run_sidecar(*line, folder=tmp_path)

    assert answer.code == code, answer.err
    assert "Traceback" not in answer.err


def test_check_reports_every_problem_with_its_location(tmp_path: Path) -> None:
    good, bad = tmp_path / "config.json", tmp_path / "federated.json"
    good.write_text('{"FederatedServers": []}')
    bad.write_text(
        '{\n  "Port": 70000,\n  "NodeID": "fed 1",\n  "FederatedServers": ["http://a:1", "HTTP://A:1/"]\n}'
    )

    answer = run_sidecar("check", str(good), str(bad), folder=tmp_path)

    assert answer.code == 65
    assert f"{good}: ok" in answer.out
    for place in (":2:", ":3:", ":4:"):
        assert f"{bad}{place}" in answer.out, answer.out


def test_flags_override_variables_which_override_the_file(network: Network) -> None:
    (one,) = network.servers(1)
    one.defaults = ()
    toml = one.folder / "sidecar.toml"
    nowhere = "http://127.0.0.1:1"
    toml.write_text(
        f'etcd = "{nowhere}"\nnetwork = "of-the-file"\nlease_ttl = 7\nlog_format = "json"\n'
        f"command = {json.dumps(list(one.app))}\n"
    )
    env = {
        "SIDECAR_ETCD": network.etcd_url,
        "SIDECAR_NETWORK": "of-the-variable",
        "SIDECAR_ADMIN": one.admin,
    }

    one.start("--network", network.name, command=(), env=env)

    network.wait_in_sync(one)
    assert len(one.starts) == 1
    assert one.log()
    ours = env | {"SIDECAR_NETWORK": network.name}
    found = run_sidecar("servers", "--network", "unused", "--json", folder=one.folder, env=ours)
    assert found.document is None
    found = run_sidecar("servers", "--json", folder=one.folder, env=ours)
    assert found.document["FederatedServers"] == [one.url]
    found = run_sidecar("servers", "--json", folder=one.folder)
    assert found.code == 69
    assert nowhere in found.err


def test_an_unknown_own_url_is_reported_with_the_setting(network: Network) -> None:
    node = network.node("fed-1", 9000, ["http://localhost:1", "http://localhost:2"])
    node.start()
    assert node.wait_for_exit() == 78
    assert "--url" in node.log_text()
    assert node.starts == []

    port = network.port()
    node.edit(Port=port, FederatedServers=[f"http://localhost:{port}", "http://localhost:2"])
    node.start("--url", f"http://localhost:{port}")
    network.wait_in_sync(node)


def test_each_help_text_fits_a_screen_and_shows_an_example(tmp_path: Path) -> None:
    for command in COMMANDS:
        answer = run_sidecar(command, "--help", folder=tmp_path)
        assert answer.code == 0, command
        assert "example:" in answer.out
        lines = answer.out.splitlines()
        assert len(lines) <= {"run": 115, "gate": 55}.get(command, 24), command
        assert max(map(len, lines)) <= 80, command
