"""What a configuration file begins as, where there is none yet: a copy of one that may be read-only."""

from __future__ import annotations

import logging
from pathlib import Path

from sidecar.adapters.files.durable import read_regular, replace_file
from sidecar.adapters.files.os_errors import as_bad_file
from sidecar.domain.documents.document import MAX_BYTES, Document
from sidecar.domain.identity import Role
from sidecar.logs import event

log = logging.getLogger(__name__)

# Users that may read the seed may read the file: the process is often another user than the sidecar.
_READ_WRITE, _OWNER = 0o666, 0o600


def seed(source: Path | None, target: Path, role: Role) -> None:
    """Copy ``source`` to ``target``, where that does not exist. Raises `BadFile` where it is not valid."""
    if source is None or target.exists():
        return
    try:
        data = read_regular(source, MAX_BYTES + 1)
        mode = source.stat().st_mode & _READ_WRITE | _OWNER
    except OSError as exc:
        raise as_bad_file(source, exc, "read") from exc
    Document.parse(data, source=str(source), role=role)
    try:
        # A link that leads nowhere yet stays a link.
        destination = target.resolve()
        destination.parent.mkdir(parents=True, exist_ok=True)
        replace_file(destination, data, mode=mode)
    except OSError as exc:
        raise as_bad_file(target, exc, "write") from exc
    event(log, logging.INFO, "file seeded", file=str(target), seed=str(source))
