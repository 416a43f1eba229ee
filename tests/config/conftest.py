"""A folder to start in."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a federated.json in it, where `sidecar run` needs no settings at all."""
    (tmp_path / "federated.json").write_text("{}")
    return tmp_path
