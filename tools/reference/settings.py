"""Every setting: its option, its variable, its key, its default, and what its schema says of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sidecar.config import table as settings_table
from sidecar.config.table import Setting
from tools.reference.markdown import code, page, sentence, table

SCHEMA = Path(__file__).parents[2] / "schemas" / "sidecar.schema.json"

INTRO = """
Each setting is an option of the command line, an environment variable, and a key of `sidecar.toml`. The
option wins over the variable, and the variable over the file. `sidecar.toml` is read from the current
folder, or from `--config FILE` (`SIDECAR_CONFIG`). A key with a dot belongs to a section: `tls.ca` is `ca`
in `[tls]`. Relative paths start at the current folder; in the file, at the file's folder. An unknown key in
the file is an error.
"""

GROUPS = {
    "NETWORK_SETTINGS": ("etcd and logs", "For every command that talks to etcd."),
    "RUN_SETTINGS": ("The node", "For `sidecar run` and `sidecar gate`."),
    "PROCESS_SETTINGS": ("The process next to it", "For `sidecar run`."),
    "DRIVER_SETTINGS": (
        "Restart drivers",
        "For `sidecar run`, one group for each [driver](../how-to/restart-drivers.md) that needs settings.",
    ),
}


def settings() -> str:
    """The page."""
    described = json.loads(SCHEMA.read_text())["properties"]
    parts = [INTRO]
    for name, (title, about) in GROUPS.items():
        group: tuple[Setting, ...] = getattr(settings_table, name)
        parts += [f"## {title}", about, _table(group, described)]
    return page("Settings", *parts)


def _table(group: tuple[Setting, ...], described: dict[str, Any]) -> str:
    head = ("option", "variable", "key", "default", "meaning")
    return table(head, (tuple(_row(setting, described)) for setting in group))


def _row(setting: Setting, described: dict[str, Any]) -> Iterator[str]:
    yield code(f"{setting.flag} {setting.metavar}" if setting.flag else "")
    yield code(setting.variable)
    yield code(setting.key)
    yield code(setting.default or "") or _derived(setting.help)
    yield sentence(_description(setting.key, described))


def _derived(text: str) -> str:
    """The default of a setting that follows from others, as its help says it."""
    found = re.search(r"\(default: (.*)\)", text)
    return found[1] if found else ""


def _description(key: str, described: dict[str, Any]) -> str:
    section, _, inner = key.partition(".")
    found = described[section]
    text: str = (found["properties"][inner] if inner else found)["description"]
    return text
