"""Pods of rendered workloads, adapted to `podman play kube`, and what the kubelet does for them."""

from __future__ import annotations

import copy
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.kit.http_client import http_get
from tests.kit.waiting import wait_until
from tests.platforms.kubernetes.rendering import Rendered
from tests.platforms.pod.podman import Podman

Json = dict[str, Any]

NETWORK = "federation-test"

PORTS = {"fed": 9000, "db": 8080, "etcd": 2379}


def pod_manifests(rendered: Rendered, workload: str, number: int) -> list[Json]:
    """The pod ``workload``-``number`` and its ConfigMaps, changed where podman 4.3 differs from a kubelet.

    - The native sidecar becomes an ordinary container, which podman does not have. `Pod` starts it first, and
      the others once the URL of its startup probe answers 200, as the kubelet does.
    - Probes and lifecycle are removed: podman needs systemd, and curl in the image, for them.
    - ``$(NAME)`` in a variable is expanded, which podman does only in commands.
    - Ports are removed, because podman would publish them on the machine.
    - Volumes get the pod's name as a prefix, because podman would share an emptyDir between pods.
    - Claims of a volumeClaimTemplate become emptyDirs.

    Everything else is as rendered: images, users, security contexts, volumes, variables, limits, the
    shared PID namespace, the restart policy.
    """
    template = copy.deepcopy(rendered.one("StatefulSet", workload)["spec"]["template"])
    spec, name = template["spec"], f"{workload}-{number}"
    spec["containers"] = [*spec.pop("initContainers", []), *spec["containers"]]
    for container in spec["containers"]:
        for key in ("restartPolicy", "startupProbe", "livenessProbe", "readinessProbe", "lifecycle", "ports"):
            container.pop(key, None)
        for mount in container["volumeMounts"]:
            mount["name"] = f"{name}-{mount['name']}"
        for each in container.get("env", []):
            if "value" in each:
                each["value"] = each["value"].replace("$(POD_NAME)", name)
    for claim in rendered.one("StatefulSet", workload)["spec"].get("volumeClaimTemplates", []):
        spec["volumes"].append({"name": claim["metadata"]["name"], "emptyDir": {}})
    for volume in spec["volumes"]:
        volume["name"] = f"{name}-{volume['name']}"
    spec["restartPolicy"] = "Always"
    metadata = {"name": name, "labels": template["metadata"]["labels"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return [*rendered.of("ConfigMap"), pod]


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod in podman, whose application starts with `start`."""

    podman: Podman
    workload: str
    name: str
    main: str
    port: int

    @classmethod
    def create(cls, podman: Podman, documents: list[Json], workload: str, folder: Path) -> Pod:
        """Create it and start its sidecar; an etcd pod, which has none, starts completely."""
        manifest = documents[-1]
        name = manifest["metadata"]["name"]
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump_all(documents))
        network = f"{NETWORK}:alias={name}.{workload}"
        podman.run_or_fail("play", "kube", "--start=false", "--network", network, str(file))
        pod = cls(podman, workload, name, manifest["spec"]["containers"][-1]["name"], PORTS[workload])
        podman.run_or_fail("start", f"{name}-{manifest['spec']['containers'][0]['name']}")
        return pod

    def remove(self) -> None:
        """Remove it and its volumes."""
        self.podman.run("pod", "rm", "--force", "--time", "1", self.name)
        for volume in ("config", "state", "tmp", "data"):
            self.podman.run("volume", "rm", "--force", f"{self.name}-{volume}")

    @property
    def address(self) -> str:
        """Its address in the pod network."""
        infra = json.loads(self.podman.run_or_fail("pod", "inspect", self.name))["InfraContainerID"]
        networks = self.podman.inspect(infra)["NetworkSettings"]["Networks"]
        return str(networks[NETWORK]["IPAddress"])

    def passed_boot_check(self) -> bool:
        """Whether the boot check has passed, by the URL of the startup probe."""
        return self.get(9180, "/startupz")[0] == 200

    def start(self) -> None:
        """Start the application once the boot check has passed, as the kubelet does."""
        wait_until(self.passed_boot_check, f"{self.name}: /startupz is 200")
        self.podman.run_or_fail("start", self.container(self.main))

    def container(self, name: str) -> str:
        """Podman's name for that container of the pod."""
        return f"{self.name}-{name}"

    def state(self, name: str) -> Json:
        """The state of a container, with the number of its restarts by podman."""
        found = self.podman.inspect(self.container(name))
        return {**found["State"], "Restarts": found["RestartCount"], "Id": found["Id"]}

    def kill(self, name: str) -> None:
        """Kill a container's process; after ``podman kill`` podman would not start it again."""
        pid = self.state(name)["Pid"]
        assert pid > 1, "it is not running"
        os.kill(pid, signal.SIGKILL)

    def servers(self) -> list[str] | None:
        """The list that the process reports to have loaded; None while it does not answer."""
        status, body = self.get(self.port, "/")
        return list(json.loads(body)["FederatedServers"]) if status == 200 else None

    def serves(self, servers: list[str]) -> bool:
        """Whether the process reports to have loaded ``servers``."""
        return self.servers() == servers

    def get(self, port: int, path: str) -> tuple[int, str]:
        """GET ``path``: the status code and the body; 0 if there is no answer."""
        return http_get(f"http://{self.address}:{port}{path}")

    def run_sidecar(self, *arguments: str) -> str:
        """Run a command of the sidecar in its container; its output."""
        return self.podman.run_or_fail("exec", self.container("sidecar"), "sidecar", *arguments)

    def logs(self) -> str:
        """The last log lines of its containers."""
        names = [self.main] if self.workload == "etcd" else ["sidecar", self.main]
        logs = [self.podman.run("logs", "--tail", "40", self.container(name)) for name in names]
        return "\n".join(
            f"--- {self.name} {name}\n{log.stdout}{log.stderr}" for name, log in zip(names, logs, strict=True)
        )
