"""Sample values of the code's types, made from type hints."""

from __future__ import annotations

import dataclasses
import typing
from enum import Enum
from typing import Any

from sidecar.domain.records.policy import Limit
from sidecar.domain.servers import ServerList, ServerUrl

_URL = ServerUrl.parse("http://localhost:9000")
_MADE: dict[Any, Any] = {
    bool: True,
    int: 1,
    float: 1.0,
    str: "text",
    ServerUrl: _URL,
    ServerList: ServerList((_URL,)),
    Limit: Limit(1),
}


def sample(hint: Any) -> Any:
    """Return a value of type ``hint`` with every optional part present."""
    inner = [each for each in typing.get_args(hint) if each is not type(None)]
    if hint in _MADE:
        made = _MADE[hint]
    elif isinstance(hint, typing.NewType):
        made = sample(hint.__supertype__)
    elif typing.get_origin(hint) is tuple:
        made = (sample(inner[0]),)
    elif inner:
        made = sample(inner[0])  # an optional: its value, not None
    elif issubclass(hint, Enum):
        made = next(iter(hint))
    elif dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        made = hint(**{each.name: sample(hints[each.name]) for each in dataclasses.fields(hint)})
    else:
        raise TypeError(f"no sample of {hint!r}; add one to tools/reference/samples.py")
    return made
