"""The connections that the rendered NetworkPolicies allow: those that are needed, and no others."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

import pytest

from tests.platforms.kubernetes.rendering import Rendered

Json = dict[str, Any]


@dataclass(frozen=True)
class PeerPod:
    """One end of a connection: a pod of a namespace, or an address outside."""

    namespace: str = "federation"
    labels: tuple[tuple[str, str], ...] = ()
    address: str = ""


def pod(name: str, namespace: str = "federation", **labels: str) -> PeerPod:
    return PeerPod(namespace, (("app.kubernetes.io/name", name), *labels.items()))


FED, DB, ETCD, STRANGER = pod("fed"), pod("db"), pod("etcd"), pod("stranger")
CLIENT = PeerPod("shop", (("federation/client", "true"),))
NAMELESS = PeerPod("shop", (("app.kubernetes.io/name", "fed"),))
DNS = PeerPod("kube-system", (("k8s-app", "kube-dns"),))
ETCD_OUTSIDE, INTERNET, API = (
    PeerPod(address="192.0.2.7"),
    PeerPod(address="198.51.100.1"),
    PeerPod(address="10.96.0.1"),
)


def allowed(policies: list[Json], source: PeerPod, target: PeerPod, port: int, protocol: str = "TCP") -> bool:
    """Whether both ends' policies let the connection through, as a network plugin decides it."""
    egress = _one_way(policies, "Egress", source, target, port, protocol)
    return egress and _one_way(policies, "Ingress", target, source, port, protocol)


def _one_way(
    policies: list[Json], way: str, subject: PeerPod, other: PeerPod, port: int, protocol: str
) -> bool:
    if subject.namespace != "federation" or subject.address:
        return True
    bound = [
        each["spec"]
        for each in policies
        if way in each["spec"]["policyTypes"] and _selects(each["spec"]["podSelector"], dict(subject.labels))
    ]
    side = "to" if way == "Egress" else "from"
    rules = [rule for spec in bound for rule in spec.get(way.lower(), [])]
    return not bound or any(_rule_allows(rule, side, other, port, protocol) for rule in rules)


def _rule_allows(rule: Json, side: str, other: PeerPod, port: int, protocol: str) -> bool:
    ports, peers = rule.get("ports"), rule.get(side)
    fits = ports is None or {"protocol": protocol, "port": port} in ports
    return fits and (peers is None or any(_is_peer(peer, other) for peer in peers))


def _is_peer(peer: Json, other: PeerPod) -> bool:
    if block := peer.get("ipBlock"):
        assert not block.get("except")
        return bool(other.address) and ipaddress.ip_address(other.address) in ipaddress.ip_network(
            block["cidr"]
        )
    if other.address:
        return False
    namespaces = peer.get("namespaceSelector")
    home = (
        other.namespace == "federation"
        if namespaces is None
        else _selects(namespaces, {"kubernetes.io/metadata.name": other.namespace})
    )
    return home and _selects(peer.get("podSelector", {}), dict(other.labels))


def _selects(selector: Json, labels: dict[str, str]) -> bool:
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "In"
        if labels.get(each["key"]) not in each["values"]:
            return False
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


ALWAYS = [
    (FED, FED, 9000, True),
    (DB, FED, 9000, True),
    (CLIENT, FED, 9000, True),
    (CLIENT, DB, 8080, True),
    (FED, DB, 8080, False),
    (STRANGER, FED, 9000, False),
    (STRANGER, DB, 8080, False),
    (NAMELESS, FED, 9000, False),
    (FED, FED, 9180, False),
    (CLIENT, FED, 9180, False),
    (FED, DNS, 53, True),
    (DB, DNS, 53, True),
    (FED, DNS, 9153, False),
    (FED, INTERNET, 443, None),  # only if the variant needs the API
    (FED, INTERNET, 80, False),
    (DB, INTERNET, 80, False),
]
DEMO = [
    (FED, ETCD, 2379, True),
    (DB, ETCD, 2379, True),
    (ETCD, ETCD, 2380, True),
    (ETCD, DNS, 53, True),
    (FED, ETCD, 2380, False),
    (CLIENT, ETCD, 2379, False),
    (STRANGER, ETCD, 2379, False),
    (ETCD, INTERNET, 443, False),
]
PRODUCTION = [
    (FED, ETCD_OUTSIDE, 2379, True),
    (DB, ETCD_OUTSIDE, 2379, True),
    (FED, INTERNET, 2379, False),
    (STRANGER, ETCD_OUTSIDE, 2379, False),
]


def test_only_needed_connections_are_allowed(rendered: Rendered) -> None:
    policies, by_api = rendered.of("NetworkPolicy"), "+" in rendered.name
    api = [(end, API, port, by_api) for end in (FED, DB) for port in (443, 6443)]
    wanted = [*ALWAYS, *api, *(DEMO if rendered.name.startswith("demo") else PRODUCTION)]

    wrong = [
        (source, target, port)
        for source, target, port, answer in wanted
        if allowed(policies, source, target, port) is not (by_api if answer is None else answer)
    ]

    assert wrong == []
    assert allowed(policies, FED, DNS, 53, "UDP")


@pytest.mark.parametrize("end", [STRANGER, pod("anything")])
def test_other_pods_of_the_namespace_reach_only_dns(rendered: Rendered, end: PeerPod) -> None:
    policies = rendered.of("NetworkPolicy")
    others = [FED, DB, ETCD, CLIENT, INTERNET, API]

    assert not any(allowed(policies, end, other, port) for other in others for port in (80, 443, 2379, 9000))
    assert not any(allowed(policies, other, end, 80) for other in others)
