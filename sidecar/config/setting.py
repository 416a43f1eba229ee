"""What the table of settings is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. ``key`` is its place in sidecar.toml: ``tls.ca`` is ``ca`` of table ``[tls]``.

    ``default`` is a text, parsed like any other; None where it follows from other settings, and
    ``derived_default`` then says how.
    """

    key: str
    parse: Callable[[object], object]
    metavar: str
    help: str
    default: str | None = None
    derived_default: str = ""
    flag_override: str | None = None

    @property
    def flag(self) -> str:
        """Its option, or ``""``: a secret has none, as ``ps`` shows command lines to all users."""
        if self.flag_override is not None:
            return self.flag_override
        return "--" + self.key.replace(".", "-").replace("_", "-")

    @property
    def variable(self) -> str:
        return "SIDECAR_" + self.key.replace(".", "_").upper()


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """Settings that belong together, as help texts and the reference show them."""

    title: str
    settings: tuple[Setting, ...]
