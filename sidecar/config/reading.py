"""One pass over all sources: the values, where each came from, and all that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar.config import toml
from sidecar.config.setting import Setting
from sidecar.config.sources import SourceValue, find
from sidecar.domain.errors import BadConfiguration


@dataclass(frozen=True, slots=True)
class Reading:
    """``values`` holds every setting by key, None for one that was not given, or is wrong.

    ``problems`` grows while the values are checked against each other.
    """

    values: dict[str, Any]
    found: dict[str, SourceValue]
    problems: list[str]

    def source(self, key: str) -> str:
        """Where the value of ``key`` came from, for people."""
        return self.found[key].source if key in self.found else f"the default of {key}"

    def finish(self) -> None:
        """Raise `BadConfiguration` with every problem, a line each, if there are any."""
        if self.problems:
            raise BadConfiguration("\n".join(self.problems))


def read(
    settings: Iterable[Setting],
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    folder: Path,
) -> Reading:
    """Read ``settings`` from all sources; never raises, so that all problems are reported together."""
    file = toml.read(flags.get("config") or environ.get(toml.CONFIG_VARIABLE), folder)
    reading = Reading({}, {}, [])
    reported = set()
    for setting in settings:
        found = find(setting, flags, environ, file, folder)
        if found is not None:
            reading.found[setting.key] = found
        try:
            reading.values[setting.key] = _value(setting, found)
        except ValueError as exc:
            reading.values[setting.key] = None
            reading.problems.append(f"{reading.source(setting.key)}: {exc}")
            reported.add(setting.key)
    reading.problems.extend(file.problems(reported))
    return reading


def _value(setting: Setting, found: SourceValue | None) -> object:
    if found is None:
        return None if setting.default is None else setting.parse(setting.default)
    value = setting.parse(found.raw)
    return found.base / value if isinstance(value, Path) else value
