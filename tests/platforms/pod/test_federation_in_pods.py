"""A federation in pods, from its first boot on; the tests build on each other, in order.

Podman does what the kubelet does with a container that exits: it starts it again (``restartPolicy: Always``).
The tests do the rest: they start the application once the sidecar's startup probe has passed.
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
    """The number of restarts of each pod's application container."""
    return {pod.name: pod.state(pod.main)["Restarts"] for pod in pods}


def test_without_etcd_the_server_is_not_started(federation: PodFederation) -> None:
    pod = federation.create_pod("fed", 0)

    wait_until(lambda: pod.get(9180, "/livez")[0] == 200, "the sidecar answers")
    assert pod.get(9180, "/startupz")[0] == 503
    assert pod.state("server")["Status"] in ("created", "configured")


def test_with_etcd_the_server_starts_and_serves(federation: PodFederation) -> None:
    for number in range(3):
        federation.create_pod("etcd", number)
    pod = federation.pods["fed-0"]

    pod.start()

    federation.wait_until_served(THREE, pod)


def test_three_servers_and_a_database_node_serve_one_list(federation: PodFederation) -> None:
    pods = [federation.create_pod("fed", 1), federation.create_pod("fed", 2), federation.create_pod("db", 0)]
    for pod in pods:
        pod.start()

    federation.wait_until_served(THREE)
    assert restarts(*pods, federation.pods["fed-0"]) == dict.fromkeys(["fed-0", "fed-1", "fed-2", "db-0"], 0)


def test_the_containers_are_hardened_as_in_the_manifests(federation: PodFederation) -> None:
    pod = federation.pods["fed-1"]
    for name in ("sidecar", "server"):
        description = federation.podman.inspect(pod.container(name))
        assert description["Config"]["User"].startswith("10001"), name
        assert description["HostConfig"]["ReadonlyRootfs"] is True
        assert description["EffectiveCaps"] in (None, [])
        assert description["HostConfig"]["Memory"] > 0
        assert description["HostConfig"]["RestartPolicy"]["Name"] == "always"
    ids = federation.podman.run_or_fail("exec", pod.container("sidecar"), "python3", "-c", PROCESS_FACTS)
    assert json.loads(ids) == {"pids": "shared", "no_new_privs": "1", "uid": 10001}
    touch = federation.podman.run("exec", pod.container("server"), "touch", "/config/federated.json")
    assert touch.returncode != 0, "only the sidecar may write the file"


PROCESS_FACTS = """
import json, os, pathlib
status = pathlib.Path("/proc/self/status").read_text()
lines = [p.read_bytes() for p in pathlib.Path("/proc").glob("[0-9]*/cmdline")]
print(json.dumps({
    "pids": "shared" if any(line.startswith(b"java\\0") for line in lines) else "own",
    "no_new_privs": status.split("NoNewPrivs:")[1].split()[0],
    "uid": os.getuid(),
}))
"""


def test_a_join_restarts_every_process_in_its_container(federation: PodFederation, scaled: Rendered) -> None:
    pods = [pod for pod in federation.pods.values() if pod.workload != "etcd"]
    before = {pod.name: (pod.state("sidecar"), pod.state(pod.main), restarts(pod)[pod.name]) for pod in pods}

    federation.create_pod("fed", 3, scaled).start()

    federation.wait_until_served(FOUR)
    wait_until(lambda: set(restarts(*pods).values()) == {1}, "each is restarted once")
    for pod in pods:
        sidecar, main, count = before[pod.name]
        now = pod.state(pod.main)
        assert (now["Id"], now["Restarts"]) == (main["Id"], count + 1), (
            "the container is started again in the same pod"
        )
        assert now["StartedAt"] != main["StartedAt"]
        assert pod.state("sidecar")["StartedAt"] == sidecar["StartedAt"], "the sidecar is not restarted"
    assert restarts(federation.pods["fed-3"]) == {"fed-3": 0}, "the newcomer starts on the whole list"


def test_a_killed_jvm_is_started_again(federation: PodFederation) -> None:
    pod = federation.pods["fed-1"]
    before = restarts(pod)["fed-1"]

    pod.kill("server")

    wait_until(lambda: restarts(pod)["fed-1"] > before, "podman starts it again")
    federation.wait_until_served(FOUR, pod)
    assert restarts(pod)["fed-1"] == before + 1


def test_an_edit_is_reverted_without_a_restart(federation: PodFederation) -> None:
    pod = federation.pods["fed-1"]
    before = restarts(pod)

    pod.podman.run_or_fail("exec", pod.container("sidecar"), "python3", "-c", FORGE)

    read = ("exec", pod.container("sidecar"), "python3", "-c", "print(open('/config/federated.json').read())")
    wait_until(
        lambda: json.loads(pod.podman.run_or_fail(*read))["FederatedServers"] == FOUR,
        "the edit is reverted",
    )
    assert restarts(pod) == before


FORGE = """
import json, pathlib
file = pathlib.Path("/config/federated.json")
found = json.loads(file.read_text())
found["FederatedServers"] = found["FederatedServers"][:2] + ["http://localhost:6666"]
file.write_text(json.dumps(found))
"""


def test_a_forged_seed_is_never_loaded(federation: PodFederation, scaled: Rendered) -> None:
    federation.remove(federation.pods["fed-2"])
    forged = Rendered("forged", tuple(json.loads(json.dumps(scaled.objects))))
    seed = forged.one("ConfigMap", "fed-seed")["data"]
    seed["fed-2.json"] = seed["fed-2.json"].replace("http://fed-1.fed:9000", "http://localhost:6666")

    pod = federation.create_pod("fed", 2, forged)
    pod.start()

    federation.wait_until_served(FOUR, pod)
    assert restarts(pod) == {"fed-2": 0}
    assert "localhost:6666" not in pod.podman.run_or_fail("logs", pod.container("server"))


def test_a_killed_sidecar_is_started_again_without_a_restart(federation: PodFederation) -> None:
    pod = federation.pods["fed-0"]
    main, count = pod.state("server"), pod.state("sidecar")["Restarts"]

    pod.kill("sidecar")

    wait_until(
        lambda: pod.state("sidecar")["Restarts"] > count and pod.passed_boot_check(),
        "the sidecar is started again",
    )
    wait_until(lambda: pod.get(9180, "/readyz")[0] == 200, "it is ready")
    assert pod.state("server")["StartedAt"] == main["StartedAt"]
    assert pod.servers() == FOUR


def test_the_others_drop_a_removed_server(federation: PodFederation) -> None:
    federation.pods["fed-0"].run_sidecar("remove", "fed-3")

    others = [
        pod for pod in federation.pods.values() if pod.workload in ("fed", "db") and pod.name != "fed-3"
    ]
    federation.wait_until_served(THREE, *others)
