"""Groups of settings whose fields say which setting they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

G = TypeVar("G", bound="DataclassInstance")
_KEY = "setting"


def from_key(key: str) -> Mapping[str, str]:
    """The metadata of a field that holds the setting ``key`` of the table."""
    return {_KEY: key}


def fill(group: type[G], values: Mapping[str, Any], **derived: object) -> G:
    """Make a ``group`` of its settings in ``values``; the fields in ``derived`` follow from several."""
    given = {each.name: values[key] for each in fields(group) if (key := each.metadata.get(_KEY))}
    return group(**given | derived)
