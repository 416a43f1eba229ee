"""The file ``sidecar.toml``: reading it, and saying what is wrong with it as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sidecar.config.table import ALL_SETTINGS
from sidecar.domain.errors import Problem
from sidecar.domain.printing import why_unreadable

DEFAULT_NAME = "sidecar.toml"
CONFIG_VARIABLE = "SIDECAR_CONFIG"
_KEYS = tuple(setting.key for setting in ALL_SETTINGS)
_TABLES = {key.partition(".")[0] for key in _KEYS if "." in key}


@dataclass(frozen=True, slots=True)
class TomlFile:
    """What stands in the file: ``values`` by dotted key, and ``document`` as it was read.

    ``document`` is None where there is no file, and where ``error`` says why it cannot be read.
    """

    path: Path
    document: Mapping[str, object] | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    error: str = ""

    def problems(self, reported: Collection[str]) -> Iterator[str]:
        """Say what is wrong besides ``reported``: unknown keys, then what the schema finds."""
        if self.error:
            yield f"{self.path}: {self.error}"
        if self.document is None:
            return
        unknown = [key for key in self.values if key not in (*_KEYS, "$schema")]
        for key in unknown:
            yield f"{self.path}: {key}: {_describe_unknown(key)}"
        from sidecar.domain.documents.validation import find_problems  # noqa: PLC0415 - 6 MiB and 80 ms, where there is a file

        silent = {*reported, *unknown, *(key.partition(".")[0] for key in unknown)}
        for problem in find_problems("sidecar", self.document):
            key = _setting_of(problem)
            if key not in silent and not (key == "" and unknown):
                yield f"{self.path}: {key or 'the file'}: {_describe(problem, key)}"


def read(named: object, folder: Path) -> TomlFile:
    """Read the file that was ``named``, else ``sidecar.toml`` in ``folder`` if there is one."""
    path = folder / str(named or DEFAULT_NAME)
    if not named and not path.exists():
        return TomlFile(path)
    import tomllib  # noqa: PLC0415 - most sidecars have no such file

    try:
        data = path.read_bytes()
    except OSError as exc:
        return TomlFile(path, error=why_unreadable(exc))
    try:
        document = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as exc:  # not TOML, or not UTF-8
        # The end is the only place that tomllib names without its line.
        what = str(exc).replace("at end of document", f"at the end, line {len(data.splitlines())}")
        return TomlFile(path, error=f"is not TOML: {what}")
    return TomlFile(path, document, dict(_flatten(document)))


def _flatten(document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in document.items():
        if key in _TABLES and isinstance(value, dict):
            yield from ((f"{key}.{inner}", item) for inner, item in value.items())
        else:
            yield key, value


def _describe_unknown(key: str) -> str:
    if key in _TABLES:
        return f"must be a table: [{key}]"
    import difflib  # noqa: PLC0415 - needed on this way out alone

    # `user` belongs into [auth], `lease-ttl` is spelled as the flag is: both are near a last part.
    spelled = key.replace("-", "_").lower()
    inner = [known for known in _KEYS if known.endswith(f".{spelled}")]
    near = inner or difflib.get_close_matches(spelled, _KEYS, n=1, cutoff=0.6)
    return f"unknown setting; did you mean {near[0]}?" if near else "unknown setting"


def _setting_of(problem: Problem) -> str:
    """The setting a problem is about: ``/tls/ca`` is ``tls.ca``, ``/etcd/1`` is ``etcd``."""
    parts = problem.where.strip("/").split("/")
    return ".".join(parts[: 2 if parts[0] in _TABLES else 1])


def _describe(problem: Problem, key: str) -> str:
    # A schema's message repeats the value, which under [auth] may be the password.
    what = "is not what it must be" if key.startswith("auth") else problem.what
    return f"{what}; {problem.hint}" if problem.hint else what
