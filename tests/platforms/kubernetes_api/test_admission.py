"""A real API server accepts every object, and admits every pod to the restricted namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.platforms.kubernetes.rendering import VARIANTS, Rendered
from tests.platforms.kubernetes_api.conftest import pod_of
from tests.platforms.kubernetes_api.server import Api

Json = dict[str, Any]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_object_is_accepted(namespace: Api, rendered_all: dict[str, Rendered], variant: str) -> None:
    for each in rendered_all[variant].objects:
        status, answer = namespace.apply(each, dry=True)
        assert status in (200, 201), answer.get("message")


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_pod_is_admitted(namespace: Api, rendered_all: dict[str, Rendered], variant: str) -> None:
    for name, _ in rendered_all[variant].pods():
        status, answer = namespace.apply(pod_of(rendered_all[variant], name), dry=True)
        assert status == 201, answer.get("message")


@pytest.mark.parametrize(
    ("violation", "words"),
    [
        (lambda pod: pod["spec"].update(hostNetwork=True), "host namespaces"),
        (lambda pod: pod["spec"]["securityContext"].pop("seccompProfile"), "seccompProfile"),
        (
            lambda pod: pod["spec"]["containers"][0]["securityContext"].pop("capabilities"),
            "unrestricted capabilities",
        ),
        (
            lambda pod: pod["spec"]["containers"][0]["securityContext"].pop("allowPrivilegeEscalation"),
            "Escalation",
        ),
        (lambda pod: pod["spec"]["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), "hostPath"),
    ],
)
def test_a_pod_that_violates_the_standard_is_rejected(
    namespace: Api, rendered_all: dict[str, Rendered], violation: Callable[[Json], object], words: str
) -> None:
    pod = pod_of(rendered_all["demo"], "fed")
    violation(pod)

    status, answer = namespace.apply(pod, dry=True)

    assert status == 403
    assert 'violates PodSecurity "restricted:latest"' in answer["message"]
    assert words in answer["message"]


def test_a_misspelt_field_is_rejected(namespace: Api, rendered_all: dict[str, Rendered]) -> None:
    pod = pod_of(rendered_all["demo"], "fed")
    pod["spec"]["initContainers"][0]["restartPolicies"] = "Always"

    status, answer = namespace.apply(pod, dry=True)

    assert status in (400, 500), "the status code differs between versions"
    assert "restartPolicies" in answer["message"]
