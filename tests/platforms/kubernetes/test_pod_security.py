"""Every pod complies with the restricted standard, and the check of it finds every violation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.platforms.kubernetes.pod_security import violations
from tests.platforms.kubernetes.rendering import Rendered, containers

Json = dict[str, Any]


def test_every_pod_complies_with_the_restricted_standard(rendered: Rendered) -> None:
    assert {name: violations(template) for name, template in rendered.pods() if violations(template)} == {}


def test_the_namespace_enforces_the_restricted_standard(rendered: Rendered) -> None:
    labels = rendered.one("Namespace", "federation")["metadata"]["labels"]
    modes = [labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")]

    assert modes == ["restricted"] * 3


def test_containers_are_read_only_limited_and_run_as_10001(
    rendered: Rendered,
) -> None:
    for name, template in rendered.pods():
        assert template["spec"]["securityContext"]["runAsUser"] == 10001, name
        for container in containers(template):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, container["name"]
            assert container["resources"]["limits"]["memory"], container["name"]
            assert container["resources"]["requests"]["cpu"], container["name"]


def _container(**context: Any) -> Callable[[Json], None]:
    return lambda spec: spec["containers"][0]["securityContext"].update(context)


def _pod(**context: Any) -> Callable[[Json], None]:
    return lambda spec: spec["securityContext"].update(context)


def _set(**fields: Any) -> Callable[[Json], None]:
    return lambda spec: spec.update(fields)


def _in_container(**fields: Any) -> Callable[[Json], None]:
    return lambda spec: spec["containers"][0].update(fields)


@pytest.mark.parametrize(
    ("violation", "words"),
    [
        (_set(hostNetwork=True), "hostNetwork is set"),
        (_set(hostPID=True), "hostPID is set"),
        (_set(hostIPC=True), "hostIPC is set"),
        (_set(volumes=[{"name": "x", "hostPath": {"path": "/"}}]), "volume x is a hostPath"),
        (_set(volumes=[{"name": "x", "nfs": {}}]), "volume x is a nfs"),
        (_pod(sysctls=[{"name": "kernel.msgmax", "value": "1"}]), "sysctl kernel.msgmax"),
        (_pod(runAsUser=0), "the pod runs as root"),
        (_pod(runAsNonRoot=False), "may run as root"),
        (_pod(seccompProfile={"type": "Unconfined"}), "seccomp switched off"),
        (_pod(seccompProfile={}), "server has no seccomp profile"),
        (_pod(seLinuxOptions={"user": "system_u"}), "SELinux options"),
        (_pod(appArmorProfile={"type": "Unconfined"}), "AppArmor switched off"),
        (_pod(windowsOptions={"hostProcess": True}), "is a host process"),
        (_container(privileged=True), "server is privileged"),
        (_container(allowPrivilegeEscalation=True), "server may gain privileges"),
        (_container(capabilities={"drop": ["NET_RAW"]}), "server keeps capabilities"),
        (_container(capabilities={"drop": ["ALL"], "add": ["SYS_PTRACE"]}), "server adds capabilities"),
        (_container(procMount="Unmasked"), "server has a procMount"),
        (_container(runAsUser=0), "server runs as root"),
        (_container(runAsNonRoot=False), "server may run as root"),
        (_container(seccompProfile={"type": "Unconfined"}), "server has no seccomp profile"),
        (_in_container(ports=[{"containerPort": 1, "hostPort": 1}]), "server has a hostPort"),
        (
            _in_container(readinessProbe={"httpGet": {"host": "10.0.0.1"}}),
            "server's readinessProbe names a host",
        ),
    ],
)
def test_every_violation_is_found(
    rendered_all: dict[str, Rendered], violation: Callable[[Json], None], words: str
) -> None:
    template = copy.deepcopy(dict(rendered_all["demo"].pods())["fed"])
    violation(template["spec"])

    assert words in "\n".join(violations(template))
