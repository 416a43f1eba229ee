"""The data files that ship with the package: the JSON Schemas.

The one place below the domain, so that the domain reads no file: it asks for a schema by its name.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

Schema = dict[str, Any]


@cache
def schema(name: str) -> Schema:
    """Return the JSON Schema ``name`` (``federated``, ``canonical``, …), decoded.

    A wheel carries the schemas inside the package, a checkout beside it. Raises `OSError` where the
    installation is broken.
    """
    package, file = Path(__file__).parent, f"{name}.schema.json"
    inside, beside = package / "schemas" / file, package.parent / "schemas" / file
    found: Schema = json.loads((inside if inside.exists() else beside).read_text("utf-8"))
    return found
