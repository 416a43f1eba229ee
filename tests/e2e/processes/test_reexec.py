"""A sidecar that re-executes in place keeps its process, its lease and its leadership."""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from tests.kit.network import Network
from tests.kit.node import Node
from tests.kit.product_texts import ADOPTED


def executions(node: Node) -> int:
    """How often its sidecar has re-executed and adopted the process."""
    return len(node.logged(ADOPTED))


def reexec(network: Network, node: Node) -> None:
    """Re-execute its sidecar, and wait until it is in sync again."""
    before = executions(node)
    node.signal(signal.SIGHUP)
    network.wait(lambda: executions(node) > before, f"{node.id} has taken over its process")
    network.wait_in_sync(node)


def candidacy(network: Network) -> tuple[str, int, int]:
    """The leader's key, when it was created, and under which lease."""
    ((name, stored),) = network.etcd.all("leader/").items()
    return name, stored.created, stored.lease


def test_a_reexecuted_leader_keeps_process_lease_and_leadership(network: Network) -> None:
    (one,) = network.servers(1)
    # Longer than a busy machine takes to re-execute it.
    one.defaults += ("--lease-ttl", "60")
    network.start(one)
    pid, lead = one.status["pid"], candidacy(network)

    for _ in range(3):
        reexec(network, one)

    network.wait(lambda: one.status.get("leading"), "it leads")
    assert candidacy(network) == lead
    assert one.sidecar.poll() is None, "the sidecar is the same process"
    assert one.status["pid"] == pid
    assert len(one.starts) == 1
    assert not one.events("stopping")
    assert one.stop() == 143, "it exits with the code of its process"


def test_the_admin_api_refuses_no_connection_during_a_reexec(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)
    answers: list[int] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            answers.append(one.get("/livez")[0])

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        reexec(network, one)
    finally:
        enough.set()
        asking.join()

    assert len(answers) > 2
    # A connection that was open when it went may break; none is refused, for the port is never given up.
    assert answers.count(0) <= 1
    assert set(answers) <= {200, 0}


def test_a_list_change_during_a_reexec_is_applied(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    newcomer = network.newcomer("fed-3", one)
    one.signal(signal.SIGHUP)
    two.signal(signal.SIGHUP)

    network.start(newcomer)

    network.wait_in_sync(one, two, newcomer)
    assert [len(node.starts) for node in (one, two, newcomer)] == [2, 2, 1]


def test_it_waits_until_a_restart_is_done(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    one.configure_app(shutdown_time=1.5)
    one.defaults += ("--stop-timeout", "20")
    reexec(network, one)
    network.newcomer("fed-3", two).start()
    network.wait(lambda: one.events("stopping"), "its process is being restarted")

    one.signal(signal.SIGHUP)

    network.wait_in_sync(*network.nodes)
    assert len(one.starts) == 2


def test_reload_applies_new_settings_and_rejects_invalid_ones(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)
    settings = one.folder / "sidecar.toml"

    settings.write_text('log_level = "loud"\n')
    refused = run_reload(network, one)
    assert refused.code == 77
    assert "sidecar.toml: log_level: 'loud' is not one of debug, info" in refused.err
    assert one.logged("not reloaded")

    settings.write_text('health = "exec:false"\n')
    done = run_reload(network, one)
    assert (done.code, done.out) == (0, f"sidecar re-executed (pid {one.sidecar.pid})\n")
    one.wait_for_reason("exec:false exits with 1")
    assert len(one.starts) == 1


def test_a_broken_program_is_not_reexecuted(network: Network) -> None:
    (one,) = network.servers(1)
    program = one.folder / "sidecar"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sidecar "$@"\n')
    program.chmod(0o755)
    one.start(env={"SIDECAR_EXECUTABLE": str(program)})
    network.wait_in_sync(one)
    whole = program.read_text()

    for broken, said in (
        ("half a copy", "is not a program"),
        ("#!/bin/sh\necho no such module >&2\nexit 3\n", "failed with exit code 3 (no such module)"),
    ):
        program.write_text(broken)
        refused = run_reload(network, one)
        assert refused.code == 77
        assert f"{program} " in refused.err
        assert said in refused.err

    program.write_text(whole)
    assert run_reload(network, one).code == 0
    network.wait_in_sync(one)
    assert len(one.starts) == 1


def test_settings_that_cannot_start_or_change_the_node_are_rejected(network: Network) -> None:
    (one,) = network.servers(1)
    settings, usual = settings_in_a_file(network, one)
    network.start(one)
    (one.folder / "pem").write_text("no certificate")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for changed, said in (
            (
                {"network": "another"},
                f"network: cannot change from {network.name} to another by a reload; stop the sidecar",
            ),
            ({"node_id": "fed-9"}, "NodeID: cannot change from fed-1 to fed-9 by a reload"),
            ({"state_dir": "elsewhere"}, "state_dir: cannot change from "),
            ({"file": "other.json", "role": "federated"}, "file: cannot change from "),
            ({"health": "tcp://localhost"}, "health"),
            ({"admin": f"127.0.0.1:{port}"}, f"port {port} is in use"),
            ({"etcd": ["https://127.0.0.1:1"], "tls": {"ca": "pem"}}, "etcd's CA"),
        ):
            settings.write_text(toml(usual | changed))
            refused = run_reload(network, one)
            assert (refused.code, said in refused.err) == (77, True), (changed, refused)
    settings.write_text(toml(usual))
    text = one.file.read_text()
    one.file.write_text(text[:-5])
    assert run_reload(network, one).code == 77
    one.file.write_text(text)

    assert run_reload(network, one).code == 0
    network.wait_in_sync(one)
    assert (len(one.sidecars), len(one.starts)) == (1, 1)


def test_a_new_admin_address_and_lease_ttl_are_applied(network: Network) -> None:
    one, two = network.servers(2)
    settings, usual = settings_in_a_file(network, one)
    network.start(one)
    network.start(two)
    leader, lease = network.leader, lease_of(network, one)
    one.admin = f"127.0.0.1:{network.port()}"

    settings.write_text(toml(usual | {"admin": one.admin, "lease_ttl": 60}))
    assert run_reload(network, one).code == 0

    network.wait_in_sync(one, two)
    assert (network.leader, lease_of(network, one)) == (leader, lease)
    # The report is still that of the last execution; this one reads etcd first.
    network.wait(lambda: one.get("/readyz")[0] == 200, "it is ready at the new address")
    assert not one.logged("lease not renewed; leadership and reporting are suspended")


def lease_of(network: Network, node: Node) -> int:
    """The lease that its report is under."""
    report = network.etcd.get(f"report/{node.id}")
    assert report is not None
    return report.lease


def settings_in_a_file(network: Network, node: Node) -> tuple[Path, dict[str, Any]]:
    """Have ``node`` take its settings from its sidecar.toml; that file, and what stands in it."""
    usual: dict[str, Any] = {
        "etcd": [network.etcd_url],
        "network": network.name,
        "admin": node.admin,
        "log_format": "json",
    }
    settings = node.folder / "sidecar.toml"
    settings.write_text(toml(usual))
    node.defaults = ()
    return settings, usual


def toml(settings: dict[str, Any]) -> str:
    """JSON's values are TOML's, but for tables."""
    tables = {key: value for key, value in settings.items() if isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items() if key not in tables]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def run_reload(network: Network, node: Node) -> Any:
    return network.run("reload", "--state-dir", str(node.folder / ".sidecar"))


def test_without_a_sidecar_there_is_nothing_to_reload(network: Network) -> None:
    (one,) = network.servers(1)

    answer = run_reload(network, one)

    assert answer.code == 69
    assert "no sidecar runs with this state directory" in answer.err
