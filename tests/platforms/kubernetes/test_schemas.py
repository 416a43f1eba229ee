"""Every object is valid in the oldest API with native sidecars, and in the newest."""

from __future__ import annotations

import copy

import kubernetes_validate
import pytest
from kubernetes_validate.utils import latest_version

from tests.platforms.kubernetes.rendering import Rendered

OLDEST = "1.29"
VERSIONS = [OLDEST, latest_version()]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(rendered: Rendered, version: str) -> None:
    for each in rendered.objects:
        kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_misspelt_field_is_found(rendered_all: dict[str, Rendered], version: str) -> None:
    broken = copy.deepcopy(rendered_all["demo"].one("StatefulSet", "fed"))
    broken["spec"]["template"]["spec"]["initContainers"][0]["restartPolicies"] = "Always"

    with pytest.raises(kubernetes_validate.ValidationError, match="restartPolicies"):
        kubernetes_validate.validate(broken, version, strict=True)


def test_the_newest_schemas_are_recent() -> None:
    assert tuple(map(int, latest_version().split(".")[:2])) >= (1, 34)
