"""Whether this version of the sidecar can use a state folder: a newer one may have written it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from sidecar.adapters.files.durable import read_regular
from sidecar.adapters.files.state_folder import LAST_KNOWN_GOOD_FORMATS
from sidecar.adapters.restart.saved_state import LaunchRecord, LoadedRecord
from sidecar.domain.documents.document import MAX_BYTES
from sidecar.domain.errors import BadFile
from sidecar.domain.records.formats import Formats

STATE_FILES: Mapping[str, Formats] = {
    "last-known-good.json": LAST_KNOWN_GOOD_FORMATS,
    "child-process.json": LaunchRecord.FORMATS,
    "external-process.json": LoadedRecord.FORMATS,
}


def require_known_formats(folder: Path) -> None:
    """Raise `BadFile` if this version cannot read the format of a file in ``folder``.

    Ignoring such a file could start a second process beside the running one, or lose the list; and this
    version would overwrite it. Damaged files are left to their readers.
    """
    for name, formats in STATE_FILES.items():
        path = folder / name
        try:
            document = json.loads(read_regular(path, MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            continue
        if unknown := formats.find_problem(document):
            raise BadFile(str(path), (unknown,))
