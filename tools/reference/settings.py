"""Every setting: its option, its variable, its key, its default, and the description in its schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sidecar.config.restart_table import DRIVERS
from sidecar.config.setting import Setting
from sidecar.config.table import ADMIN_API, ALL_GROUPS, ETCD, LOGGING, MEMBERSHIP, NODE_FILE
from tools.reference.markdown import code, page, sentence, table

SCHEMA = Path(__file__).parents[2] / "schemas" / "sidecar.schema.json"

INTRO = """
Each setting is an option of the command line, an environment variable, and a key of `sidecar.toml`. The
option wins over the variable, and the variable over the file. `sidecar.toml` is read from the current
folder, or from `--config FILE` (`SIDECAR_CONFIG`). A key with a dot belongs to a section: `tls.ca` is `ca`
in `[tls]`. Relative paths start at the current folder; in the file, at the file's folder. An unknown key in
the file is an error.
"""

_GATE_TOO = "For `sidecar run` and `sidecar gate`."
_DRIVER = "For `sidecar run` with this [driver](../how-to/restart-drivers.md)."
USED_BY = {
    ETCD: "For every command that talks to etcd.",
    LOGGING: "For every command that talks to etcd.",
    NODE_FILE: _GATE_TOO,
    MEMBERSHIP: _GATE_TOO,
    ADMIN_API: "For `sidecar run` and `sidecar health`.",
    **dict.fromkeys(DRIVERS, _DRIVER),
}


def settings() -> str:
    """The page."""
    described = json.loads(SCHEMA.read_text())["properties"]
    parts = [INTRO]
    for group in ALL_GROUPS:
        title = group.title if group is ETCD else group.title[0].upper() + group.title[1:]
        parts += [f"## {title}", USED_BY.get(group, "For `sidecar run`."), _table(group.settings, described)]
    return page("Settings", *parts)


def _table(group: tuple[Setting, ...], described: dict[str, Any]) -> str:
    head = ("option", "variable", "key", "default", "meaning")
    return table(head, (tuple(_row(setting, described)) for setting in group))


def _row(setting: Setting, described: dict[str, Any]) -> Iterator[str]:
    yield code(f"{setting.flag} {setting.metavar}" if setting.flag else "")
    yield code(setting.variable)
    yield code(setting.key)
    yield code(setting.default or "") or setting.derived_default
    yield sentence(re.sub(r" \(default: [^)]*\)", "", _description(setting.key, described)))


def _description(key: str, described: dict[str, Any]) -> str:
    section, _, inner = key.partition(".")
    found = described[section]
    text: str = (found["properties"][inner] if inner else found)["description"]
    return text
