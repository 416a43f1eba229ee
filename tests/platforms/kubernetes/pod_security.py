"""The Pod Security Standard "restricted", field by field.

From https://kubernetes.io/docs/concepts/security/pod-security-standards/ (baseline and restricted; Linux).
`tests.platforms.kubernetes_api` checks it against the admission of a real API server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
    "secret",
}  # fmt: skip
SECCOMP = ("RuntimeDefault", "Localhost")
SELINUX = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip


def violations(template: Json) -> list[str]:
    """What the standard forbids in a pod template; empty if it complies."""
    return [
        *_of_pod(template),
        *(each for c in _containers(template["spec"]) for each in _of_container(template, c)),
    ]


def _of_pod(template: Json) -> Iterator[str]:
    spec = template["spec"]
    context = spec.get("securityContext", {})
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"{key} is set"
    for volume in spec.get("volumes", []):
        if forbidden := set(volume) - {"name"} - VOLUMES:
            yield f"volume {volume['name']} is a {', '.join(forbidden)}"
    for sysctl in context.get("sysctls", []):
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    yield from _of_context("the pod", context)
    if any(
        key.startswith("container.apparmor.security.beta")
        for key in template["metadata"].get("annotations", {})
    ):
        yield "an AppArmor annotation"


def _of_container(template: Json, container: Json) -> Iterator[str]:
    name, own = container["name"], container.get("securityContext", {})
    whole = {**template["spec"].get("securityContext", {}), **own}
    capabilities = own.get("capabilities", {})
    yield from _of_context(name, own)
    if own.get("privileged"):
        yield f"{name} is privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may gain privileges"
    if "ALL" not in capabilities.get("drop", []):
        yield f"{name} keeps capabilities"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield f"{name} adds capabilities"
    if own.get("procMount", "Default") != "Default":
        yield f"{name} has a procMount"
    if whole.get("runAsNonRoot") is not True:
        yield f"{name} may run as root"
    if whole.get("seccompProfile", {}).get("type") not in SECCOMP:
        yield f"{name} has no seccomp profile"
    yield from _of_ports(container)


def _of_ports(container: Json) -> Iterator[str]:
    name = container["name"]
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield f"{name} has a hostPort"
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe, {}).get("httpGet", {}).get("host"):
            yield f"{name}'s {probe} names a host"


def _of_context(name: str, context: Json) -> Iterator[str]:
    """The rules for the securityContext of a pod or a container."""
    selinux = context.get("seLinuxOptions", {})
    if context.get("runAsUser") == 0:
        yield f"{name} runs as root"
    if context.get("runAsNonRoot") is False:
        yield f"{name} is allowed to be root"
    if context.get("seccompProfile", {}).get("type", "RuntimeDefault") not in SECCOMP:
        yield f"{name} has seccomp switched off"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in SECCOMP:
        yield f"{name} has AppArmor switched off"
    if selinux.get("type", "") not in SELINUX or selinux.get("user") or selinux.get("role"):
        yield f"{name} has SELinux options"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield f"{name} is a host process"


def _containers(spec: Json) -> list[Json]:
    return [*spec.get("initContainers", []), *spec["containers"], *spec.get("ephemeralContainers", [])]
