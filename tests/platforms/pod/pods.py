"""Pods from rendered workloads, as `podman play kube` can play them, and the kubelet's part."""

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


def playable(rendered: Rendered, workload: str, number: int) -> list[Json]:
    """The pod ``workload``-``number`` and its ConfigMaps, changed only where podman 4.3 is no kubelet.

    - The native sidecar becomes an ordinary container, as podman knows none; `Pod` starts it first, and the
      others after its startup probe's URL answers 200, which is what the kubelet does.
    - Probes and lifecycle are left out: podman would need curl in the image, and systemd.
    - ``$(NAME)`` in a variable is expanded, which podman only does in commands.
    - Ports are left out: podman would publish them on the machine.
    - Volumes bear the pod's name: podman would share an emptyDir with every pod that has one of that name.
    - Claims of a volumeClaimTemplate become emptyDirs.

    Everything else is as it was rendered: images, users, security contexts, volumes, variables, limits, the
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
    """A pod that is played, its application held back until `start`."""

    podman: Podman
    workload: str
    name: str
    main: str
    port: int

    @classmethod
    def play(cls, podman: Podman, documents: list[Json], workload: str, folder: Path) -> Pod:
        """Create it, and start its sidecar; an etcd, which has none, altogether."""
        manifest = documents[-1]
        name = manifest["metadata"]["name"]
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump_all(documents))
        network = f"{NETWORK}:alias={name}.{workload}"
        podman.done("play", "kube", "--start=false", "--network", network, str(file))
        pod = cls(podman, workload, name, manifest["spec"]["containers"][-1]["name"], PORTS[workload])
        podman.done("start", f"{name}-{manifest['spec']['containers'][0]['name']}")
        return pod

    def remove(self) -> None:
        """End it, and forget its volumes."""
        self.podman.run("pod", "rm", "--force", "--time", "1", self.name)
        for volume in ("config", "state", "tmp", "data"):
            self.podman.run("volume", "rm", "--force", f"{self.name}-{volume}")

    @property
    def address(self) -> str:
        """Where it is in the network."""
        infra = json.loads(self.podman.done("pod", "inspect", self.name))["InfraContainerID"]
        networks = self.podman.inspect(infra)["NetworkSettings"]["Networks"]
        return str(networks[NETWORK]["IPAddress"])

    def checked(self) -> bool:
        """Whether the boot check is done: what the startup probe asks."""
        return self.get(9180, "/startupz")[0] == 200

    def start(self) -> None:
        """Start the application once the boot check is done, as the kubelet does."""
        wait_until(self.checked, f"{self.name}: /startupz is 200")
        self.podman.done("start", self.container(self.main))

    def container(self, name: str) -> str:
        """What podman calls that container of the pod."""
        return f"{self.name}-{name}"

    def state(self, name: str) -> Json:
        """The state of a container, with how often podman restarted it."""
        found = self.podman.inspect(self.container(name))
        return {**found["State"], "Restarts": found["RestartCount"], "Id": found["Id"]}

    def kill(self, name: str) -> None:
        """SIGKILL to a container's process. Not by ``podman kill``: what that ends, podman leaves ended."""
        pid = self.state(name)["Pid"]
        assert pid > 1, "it does not run"
        os.kill(pid, signal.SIGKILL)

    def servers(self) -> list[str] | None:
        """The list that the process says it loaded; None while nobody answers."""
        status, body = self.get(self.port, "/")
        return list(json.loads(body)["FederatedServers"]) if status == 200 else None

    def serves(self, servers: list[str]) -> bool:
        """Whether that is the list that the process says it loaded."""
        return self.servers() == servers

    def get(self, port: int, path: str) -> tuple[int, str]:
        """Ask it; status 0 is no answer."""
        return http_get(f"http://{self.address}:{port}{path}")

    def sidecar(self, *arguments: str) -> str:
        """Run a command of the sidecar's in its container."""
        return self.podman.done("exec", self.container("sidecar"), "sidecar", *arguments)

    def logs(self) -> str:
        """What its containers said last."""
        names = [self.main] if self.workload == "etcd" else ["sidecar", self.main]
        said = [self.podman.run("logs", "--tail", "40", self.container(name)) for name in names]
        return "\n".join(
            f"--- {self.name} {name}\n{each.stdout}{each.stderr}"
            for name, each in zip(names, said, strict=True)
        )
