"""What no schema checks: the objects fit together, and are as docs/how-to/kubernetes.md describes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sidecar.config.table import ALL_SETTINGS
from sidecar.domain.documents.document import Document
from sidecar.domain.identity import Role
from sidecar.domain.servers import ServerUrl
from tests.platforms.kubernetes.rendering import TREE, Rendered, containers, walk

Json = dict[str, Any]

PROVIDED_BY_OPERATOR = {"etcd-client-tls", "etcd-user"}
"""Secrets that the production overlay expects to exist."""

PROVIDED_BY_KUBERNETES = {"kube-root-ca.crt"}
"""A ConfigMap that Kubernetes creates in every namespace."""


def sidecar_of(template: Json) -> Json:
    found: Json = next(each for each in containers(template) if each["name"] == "sidecar")
    return found


def nodes(rendered: Rendered) -> list[tuple[str, Json]]:
    """The workloads with a sidecar."""
    return [(name, template) for name, template in rendered.pods() if name != "etcd"]


def environment(rendered: Rendered, template: Json, pod: str) -> dict[str, str]:
    """The sidecar's environment in ``pod``, as the kubelet makes it: in order, with $(NAME) expanded."""
    sidecar = sidecar_of(template)
    found: dict[str, str] = {}
    for source in sidecar.get("envFrom", []):
        found |= rendered.one("ConfigMap", source["configMapRef"]["name"])["data"]
    for each in sidecar["env"]:
        if "value" in each:
            found[each["name"]] = re.sub(r"\$\((\w+)\)", lambda m: found.get(m[1], m[0]), each["value"])
        else:
            field = each["valueFrom"].get("fieldRef", {}).get("fieldPath")
            found[each["name"]] = pod if field == "metadata.name" else "from a secret"
    return found


def test_a_native_sidecar_gates_the_application(rendered: Rendered) -> None:
    for name, template in nodes(rendered):
        (sidecar,) = template["spec"]["initContainers"]
        assert sidecar["restartPolicy"] == "Always", name
        assert sidecar["startupProbe"]["httpGet"] == {"path": "/startupz", "port": "admin"}
        assert sidecar["livenessProbe"]["httpGet"]["path"] == "/livez"
        assert "readinessProbe" not in sidecar, "an etcd outage would take every server out of service"


def test_selectors_match_the_pods(rendered: Rendered) -> None:
    labels = {name: template["metadata"]["labels"] for name, template in rendered.pods()}
    for each in rendered.of("StatefulSet"):
        name, spec = each["metadata"]["name"], each["spec"]
        assert spec["selector"]["matchLabels"].items() <= labels[name].items()
        assert rendered.one("Service", spec["serviceName"])["spec"]["clusterIP"] == "None"
        assert spec["podManagementPolicy"] == "Parallel"
        for spread in spec["template"]["spec"]["topologySpreadConstraints"]:
            assert spread["labelSelector"]["matchLabels"].items() <= labels[name].items()
    for each in rendered.of("Service", "PodDisruptionBudget"):
        wanted = each["spec"]["selector"]
        wanted = wanted.get("matchLabels", wanted)
        assert [name for name in labels if wanted.items() <= labels[name].items()] == [
            each["metadata"]["name"]
        ]


def test_selectors_contain_only_the_name(rendered: Rendered) -> None:
    """A selector cannot be changed later, so it contains no common label."""
    for each in rendered.of("StatefulSet"):
        assert list(each["spec"]["selector"]["matchLabels"]) == ["app.kubernetes.io/name"]


def test_every_reference_resolves(rendered: Rendered) -> None:
    existing = {kind: {o["metadata"]["name"] for o in rendered.of(kind)} for kind in ("ConfigMap", "Secret")}
    accounts = {each["metadata"]["name"] for each in rendered.of("ServiceAccount")}
    used: dict[str, set[str]] = {"ConfigMap": set(), "Secret": set()}

    def visit(path: str, value: object) -> None:
        if not isinstance(value, dict):
            return
        key = path.rpartition(".")[2].partition("[")[0]
        if key in ("configMap", "configMapRef", "configMapKeyRef"):
            used["ConfigMap"].add(value["name"])
        elif key in ("secret", "secretKeyRef", "secretRef"):
            used["Secret"].add(value.get("secretName") or value["name"])

    for name, template in rendered.pods():
        walk(template, visit)
        assert template["spec"].get("serviceAccountName", name) in accounts | {"etcd"}
        claims = {
            c["metadata"]["name"]
            for c in _statefulset(rendered, name)["spec"].get("volumeClaimTemplates", [])
        }
        volumes = {volume["name"] for volume in template["spec"]["volumes"]} | claims
        for container in containers(template):
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes, container["name"]
    assert used["ConfigMap"] - existing["ConfigMap"] <= PROVIDED_BY_KUBERNETES
    missing = used["Secret"] - existing["Secret"]
    assert missing == (
        PROVIDED_BY_OPERATOR if rendered.name.startswith("production") and not existing["Secret"] else set()
    )
    assert existing["ConfigMap"] <= used["ConfigMap"], "a ConfigMap that nothing uses"


def _statefulset(rendered: Rendered, name: str) -> Json:
    return rendered.one("StatefulSet", name)


def test_probes_and_services_use_existing_ports(rendered: Rendered) -> None:
    ports: dict[str, set[str]] = {}
    for name, template in rendered.pods():
        for container in containers(template):
            own = {port["name"] for port in container["ports"]}
            ports[name] = ports.get(name, set()) | own
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                action = container.get(probe, {})
                port = action.get("httpGet", action.get("tcpSocket", {})).get("port")
                assert port is None or port in own, f"{container['name']}: {probe}"
    for service in rendered.of("Service"):
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in ports[service["metadata"]["name"]]


def test_every_image_has_a_version(rendered: Rendered) -> None:
    for _, template in rendered.pods():
        for container in containers(template):
            name, _, tag = container["image"].rpartition(":")
            assert name, container["image"]
            assert tag != "latest", container["image"]


def test_every_setting_of_the_sidecars_exists(rendered: Rendered) -> None:
    known = {setting.variable for setting in ALL_SETTINGS}
    for name, template in nodes(rendered):
        given = {each for each in environment(rendered, template, f"{name}-0") if each.startswith("SIDECAR_")}
        assert given <= known, name


def test_each_pod_has_its_node_id_and_its_seed(rendered: Rendered) -> None:
    for name, template in nodes(rendered):
        for number in range(_statefulset(rendered, name)["spec"]["replicas"]):
            pod = f"{name}-{number}"
            env = environment(rendered, template, pod)
            seed = rendered.one("ConfigMap", f"{name}-seed")["data"][
                env["SIDECAR_SEED"].removeprefix("/seed/")
            ]
            role = Role.FEDERATED if name == "fed" else Role.DATABASE
            document = Document.parse(seed.encode(), source=env["SIDECAR_SEED"], role=role)
            assert env["SIDECAR_NODE_ID"] == pod
            assert "$(" not in "".join(env.values())
            if role is Role.FEDERATED:
                assert (document.node_id, document.port) == (pod, 9000)
                assert ServerUrl.parse(env["SIDECAR_URL"]) in document.servers


def test_every_seed_has_the_same_list(rendered: Rendered) -> None:
    seeds = [rendered.one("ConfigMap", f"{name}-seed")["data"] for name in ("fed", "db")]
    lists = {json.dumps(json.loads(text)["FederatedServers"]) for seed in seeds for text in seed.values()}

    assert len(lists) == 1


def test_pods_share_only_what_their_mode_needs(
    rendered: Rendered,
) -> None:
    for name, template in nodes(rendered):
        by_api = "+" in rendered.name
        mode = environment(rendered, template, f"{name}-0")["SIDECAR_KUBERNETES_MODE"]
        assert mode == (rendered.name.partition("+")[2] or "container")
        assert template["spec"]["shareProcessNamespace"] is not by_api
        assert template["spec"]["automountServiceAccountToken"] is False
        holders = [
            container["name"]
            for container in containers(template)
            if any("serviceaccount" in mount["mountPath"] for mount in container["volumeMounts"])
        ]
        assert holders == (["sidecar"] if by_api else [])
    for account in rendered.of("ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_without_a_component_no_account_has_rights(rendered: Rendered) -> None:
    assert bool(rendered.of("Role", "RoleBinding")) == ("+" in rendered.name)
    assert rendered.of("ClusterRole", "ClusterRoleBinding") == []


def test_a_changed_setting_replaces_pods_and_a_new_seed_does_not(rendered: Rendered) -> None:
    names = {each["metadata"]["name"] for each in rendered.of("ConfigMap")}

    assert {"fed-seed", "db-seed"} <= names
    assert any(re.fullmatch(r"sidecar-[a-z0-9]{10}", name) for name in names)


def test_in_production_the_state_folder_outlives_its_pod(rendered: Rendered) -> None:
    for name, _ in nodes(rendered):
        claims = _statefulset(rendered, name)["spec"].get("volumeClaimTemplates", [])
        assert [claim["metadata"]["name"] for claim in claims] == (
            ["state"] if rendered.name.startswith("production") else []
        )


SECRET = re.compile(r"-----BEGIN|password:|token:|(?i:secret)Key:|data:\n +\w+: [A-Za-z0-9+/]{24,}={0,2}$")


@pytest.mark.parametrize("file", sorted(TREE.rglob("*.yaml")), ids=lambda file: str(file.relative_to(TREE)))
def test_no_file_contains_a_secret(file: Any) -> None:
    text = file.read_text()

    assert "kind: Secret\n" not in text
    assert SECRET.search(text) is None
