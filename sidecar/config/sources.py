"""Where the texts of settings come from, and which wins: flag, then environment, then file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from sidecar.config.table import Setting
from sidecar.config.toml import TomlFile


class Rank(IntEnum):
    """Of two sources the higher one wins."""

    FILE = 1
    ENVIRONMENT = 2
    FLAG = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What the winning source holds for a setting; ``source`` names the place for people.

    Relative paths are meant from ``base``: the current folder, or that of sidecar.toml.
    """

    raw: object
    source: str
    rank: Rank
    base: Path


def find(
    setting: Setting,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    file: TomlFile,
    folder: Path,
) -> Found | None:
    """Return what was given for ``setting``, or None. ``flags`` is keyed like the table."""
    key = setting.key
    if flags.get(key) is not None:
        return Found(flags[key], setting.flag or "the command", Rank.FLAG, folder)
    # An empty variable is one that a compose file passes on without anybody having set it.
    if environ.get(setting.variable):
        return Found(environ[setting.variable], setting.variable, Rank.ENVIRONMENT, folder)
    if key in file.values:
        return Found(file.values[key], f"{file.path}: {key}", Rank.FILE, file.path.parent)
    return None
