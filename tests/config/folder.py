"""What the tests of settings share."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.config import load
from sidecar.domain.errors import BadConfiguration, ExitCode

Flags = dict[str, object]


def write_toml(folder: Path, text: str) -> None:
    (folder / "sidecar.toml").write_text(text)


def load_error(flags: Flags, environ: dict[str, str], folder: Path) -> str:
    """Load settings that are wrong; what is said about them."""
    with pytest.raises(BadConfiguration) as caught:
        load(flags, environ, folder)
    assert caught.value.exit_code is ExitCode.BAD_CONFIGURATION
    return str(caught.value)
