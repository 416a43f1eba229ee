"""Where the texts of settings come from, and which wins: flag, then environment, then file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from sidecar.config.setting import Setting
from sidecar.config.toml import TomlFile


class Precedence(IntEnum):
    """The source with the higher precedence wins."""

    FILE = 1
    ENVIRONMENT = 2
    FLAG = 3


@dataclass(frozen=True, slots=True)
class SourceValue:
    """What the winning source holds for a setting; ``source`` names the place for people.

    Relative paths are meant from ``base``: the current folder, or that of sidecar.toml.
    """

    raw: object
    source: str
    precedence: Precedence
    base: Path


def find(
    setting: Setting,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    file: TomlFile,
    folder: Path,
) -> SourceValue | None:
    """Return what was given for ``setting``, or None. ``flags`` is keyed like the table."""
    key = setting.key
    if flags.get(key) is not None:
        return SourceValue(flags[key], setting.flag or "the command", Precedence.FLAG, folder)
    # An empty variable is one that a compose file passes on although it is not set.
    if environ.get(setting.variable):
        return SourceValue(environ[setting.variable], setting.variable, Precedence.ENVIRONMENT, folder)
    if key in file.values:
        return SourceValue(file.values[key], f"{file.path}: {key}", Precedence.FILE, file.path.parent)
    return None
