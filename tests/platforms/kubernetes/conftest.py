"""The variants of `k8s/`, each rendered once."""

from __future__ import annotations

import pytest

from tests.platforms.kubernetes.rendering import VARIANTS, Rendered, variants


@pytest.fixture(scope="session")
def rendered_all(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    """Every variant, by name."""
    return {each.name: each for each in variants(tmp_path_factory.mktemp("rendered"))}


@pytest.fixture(params=VARIANTS)
def rendered(request: pytest.FixtureRequest, rendered_all: dict[str, Rendered]) -> Rendered:
    """Each variant in turn."""
    return rendered_all[request.param]
