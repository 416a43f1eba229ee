"""A federation in pods, from its first boot on. One story, in order: each test goes on from the one before.

Podman has the kubelet's part: it starts a container again that has ended (``restartPolicy: Always``). The
test has the rest of it: it starts the application after the sidecar's startup probe.
"""

from __future__ import annotations

import json

import pytest

from tests.kit.waiting import wait_until
from tests.platforms.kubernetes.rendering import Rendered
from tests.platforms.pod.conftest import PodFederation
from tests.platforms.pod.pods import Pod

THREE = [f"http://fed-{number}.fed:9000" for number in range(3)]
FOUR = [*THREE, "http://fed-3.fed:9000"]

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("pod")]


def restarts(*pods: Pod) -> dict[str, int]:
    """How often the application's container of each was started again."""
    return {pod.name: pod.state(pod.main)["Restarts"] for pod in pods}


def test_without_etcd_the_boot_check_holds_the_server_back(federation: PodFederation) -> None:
    pod = federation.play("fed", 0)

    wait_until(lambda: pod.get(9180, "/livez")[0] == 200, "the sidecar answers")
    assert pod.get(9180, "/startupz")[0] == 503
    assert pod.state("server")["Status"] in ("created", "configured")


def test_with_etcd_it_is_let_through_and_serves(federation: PodFederation) -> None:
    for number in range(3):
        federation.play("etcd", number)
    pod = federation.pods["fed-0"]

    pod.start()

    federation.serve(THREE, pod)


def test_three_servers_and_a_database_node_serve_one_list(federation: PodFederation) -> None:
    pods = [federation.play("fed", 1), federation.play("fed", 2), federation.play("db", 0)]
    for pod in pods:
        pod.start()

    federation.serve(THREE)
    assert restarts(*pods, federation.pods["fed-0"]) == dict.fromkeys(["fed-0", "fed-1", "fed-2", "db-0"], 0)


def test_the_pods_are_what_the_manifests_ask_for(federation: PodFederation) -> None:
    pod = federation.pods["fed-1"]
    for name in ("sidecar", "server"):
        found = federation.podman.inspect(pod.container(name))
        assert found["Config"]["User"].startswith("10001"), name
        assert found["HostConfig"]["ReadonlyRootfs"] is True
        assert found["EffectiveCaps"] in (None, [])
        assert found["HostConfig"]["Memory"] > 0
        assert found["HostConfig"]["RestartPolicy"]["Name"] == "always"
    ids = federation.podman.done("exec", pod.container("sidecar"), "python3", "-c", WHO)
    assert json.loads(ids) == {"pids": "shared", "no_new_privs": "1", "uid": 10001}
    wrote = federation.podman.run("exec", pod.container("server"), "touch", "/config/federated.json")
    assert wrote.returncode != 0, "the file is the sidecar's to write"


WHO = """
import json, os, pathlib
status = pathlib.Path("/proc/self/status").read_text()
lines = [p.read_bytes() for p in pathlib.Path("/proc").glob("[0-9]*/cmdline")]
print(json.dumps({
    "pids": "shared" if any(line.startswith(b"java\\0") for line in lines) else "own",
    "no_new_privs": status.split("NoNewPrivs:")[1].split()[0],
    "uid": os.getuid(),
}))
"""


def test_a_fourth_server_joins_and_every_process_is_restarted_in_its_container(
    federation: PodFederation, scaled: Rendered
) -> None:
    pods = [pod for pod in federation.pods.values() if pod.workload != "etcd"]
    before = {pod.name: (pod.state("sidecar"), pod.state(pod.main), restarts(pod)[pod.name]) for pod in pods}

    federation.play("fed", 3, scaled).start()

    federation.serve(FOUR)
    wait_until(lambda: set(restarts(*pods).values()) == {1}, "each was restarted once")
    for pod in pods:
        sidecar, main, count = before[pod.name]
        now = pod.state(pod.main)
        assert (now["Id"], now["Restarts"]) == (main["Id"], count + 1), (
            "the same pod, its container started again"
        )
        assert now["StartedAt"] != main["StartedAt"]
        assert pod.state("sidecar")["StartedAt"] == sidecar["StartedAt"], "the sidecar lives on"
    assert restarts(federation.pods["fed-3"]) == {"fed-3": 0}, "the newcomer came up on the whole list"


def test_a_jvm_that_is_killed_serves_again(federation: PodFederation) -> None:
    pod = federation.pods["fed-1"]
    before = restarts(pod)["fed-1"]

    pod.kill("server")

    wait_until(lambda: restarts(pod)["fed-1"] > before, "podman starts it again")
    federation.serve(FOUR, pod)
    assert restarts(pod)["fed-1"] == before + 1


def test_an_edit_while_it_runs_is_put_back_without_a_restart(federation: PodFederation) -> None:
    pod = federation.pods["fed-1"]
    before = restarts(pod)

    pod.podman.done("exec", pod.container("sidecar"), "python3", "-c", FORGE)

    read = ("exec", pod.container("sidecar"), "python3", "-c", "print(open('/config/federated.json').read())")
    wait_until(
        lambda: json.loads(pod.podman.done(*read))["FederatedServers"] == FOUR,
        "the network's list is there again",
    )
    assert restarts(pod) == before


FORGE = """
import json, pathlib
file = pathlib.Path("/config/federated.json")
found = json.loads(file.read_text())
found["FederatedServers"] = found["FederatedServers"][:2] + ["http://localhost:6666"]
file.write_text(json.dumps(found))
"""


def test_a_forged_seed_is_never_seen_by_the_server(federation: PodFederation, scaled: Rendered) -> None:
    federation.remove(federation.pods["fed-2"])
    forged = Rendered("forged", tuple(json.loads(json.dumps(scaled.objects))))
    seed = forged.one("ConfigMap", "fed-seed")["data"]
    seed["fed-2.json"] = seed["fed-2.json"].replace("http://fed-1.fed:9000", "http://localhost:6666")

    pod = federation.play("fed", 2, forged)
    pod.start()

    federation.serve(FOUR, pod)
    assert restarts(pod) == {"fed-2": 0}
    assert "localhost:6666" not in pod.podman.done("logs", pod.container("server"))


def test_a_sidecar_that_is_killed_comes_again_and_restarts_nobody(federation: PodFederation) -> None:
    pod = federation.pods["fed-0"]
    main, count = pod.state("server"), pod.state("sidecar")["Restarts"]

    pod.kill("sidecar")

    wait_until(lambda: pod.state("sidecar")["Restarts"] > count and pod.checked(), "the sidecar is back")
    wait_until(lambda: pod.get(9180, "/readyz")[0] == 200, "and in step")
    assert pod.state("server")["StartedAt"] == main["StartedAt"]
    assert pod.servers() == FOUR


def test_a_removed_server_is_dropped_by_the_others(federation: PodFederation) -> None:
    federation.pods["fed-0"].sidecar("remove", "fed-3")

    others = [
        pod for pod in federation.pods.values() if pod.workload in ("fed", "db") and pod.name != "fed-3"
    ]
    federation.serve(THREE, *others)
