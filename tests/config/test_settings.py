"""The way of a setting from the table to its field."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from sidecar.config import restart_modes, settings
from sidecar.config.filling import fill, from_key
from sidecar.config.table import ALL_SETTINGS

# Settings that choose, or contribute to, a field with a value that is derived from several.
DERIVED = {
    "auth.password",
    "auth.password_file",
    "endpoint.status",
    "endpoint.token_file",
    "file",
    "join_token_file",
    "restart",
    "role",
    "state_dir",
}


def _keys_of_fields() -> set[str]:
    names: list[Any] = [*vars(settings).values(), *vars(restart_modes).values()]
    groups = [each for each in names if isinstance(each, type) and is_dataclass(each)]
    filled = (each for group in groups for each in fields(group))
    return {each.metadata["setting"] for each in filled if "setting" in each.metadata}


def test_every_setting_of_the_table_reaches_a_field() -> None:
    assert _keys_of_fields() | DERIVED == {setting.key for setting in ALL_SETTINGS}


def test_a_field_is_filled_from_the_setting_it_names() -> None:
    @dataclass(frozen=True)
    class Group:
        derived: str
        ttl: float = field(metadata=from_key("lease_ttl"))

    assert fill(Group, {"lease_ttl": 5.0, "role": "other"}, derived="x") == Group("x", 5.0)
