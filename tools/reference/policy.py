"""The policy, from its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.reference.markdown import code, page, sentence, table

SCHEMA = Path(__file__).parents[2] / "schemas" / "policy.schema.json"

INTRO = """
The rules of a network, kept in etcd. `sidecar policy set KEY=VALUE` sets them, `KEY=` unsets one, `sidecar
policy edit` opens them as JSON. How to use them: [Roll out and steer a change](../how-to/rollouts.md),
[Admit newcomers](../how-to/admission.md).
"""


def policy() -> str:
    """The page."""
    rows = list(_rows(json.loads(SCHEMA.read_text()), ""))
    return page("Policy", INTRO, table(("key", "values", "default", "meaning"), rows))


def _rows(schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for key, found in schema["properties"].items():
        if found.get("type") == "object":
            yield from _rows(found, f"{prefix}{key}.")
        elif not key.startswith("$"):
            default = found.get("default")
            text = "none" if default is None else code(str(default))
            yield code(prefix + key), _values(found), text, sentence(found["description"])


def _values(found: dict[str, Any]) -> str:
    if "enum" in found:
        return ", ".join(code(each) for each in found["enum"])
    kind = found["type"]
    kinds = [kind] if isinstance(kind, str) else kind
    limits = [f"{found[key]:g}" for key in ("minimum", "maximum") if key in found]
    between = f" from {' to '.join(limits)}" if limits else ""
    return " or ".join(each + (between if each in {"integer", "number"} else "") for each in kinds)
