"""The operating system's errors about files, as messages that say what to do."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from sidecar.domain.errors import BadFile, Problem
from sidecar.domain.printing import os_reason

if TYPE_CHECKING:
    from pathlib import Path

_OR_ANOTHER_FILE = "or name another file with --file (or SIDECAR_FILE)"
_MISSING = ("does not exist", f"create it, {_OR_ANOTHER_FILE}")
_FORBIDDEN = ("user {user} may not {doing} it", "allow user {user} to {doing} it and its folder")
_FULL = ("cannot be written: the disk is full", "free some space")
_EXPLANATIONS = {
    errno.ENOENT: _MISSING,
    errno.ENOTDIR: _MISSING,
    errno.EISDIR: ("is a folder", "name the file inside it with --file (or SIDECAR_FILE)"),
    errno.ENOTSUP: ("is not a regular file", f"put a file there, {_OR_ANOTHER_FILE}"),
    errno.ELOOP: ("is a symbolic link that leads back to itself", "point it to a file"),
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: (
        "is on a read-only file system",
        "mount it writable; a Kubernetes ConfigMap never is: copy it to a volume first",
    ),
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
}


def as_bad_file(path: Path, error: OSError, doing: str, *, is_argument: bool = False) -> BadFile:
    """Return the `BadFile` for ``error``, met while trying to ``doing`` (read, write) ``path``.

    ``is_argument``: the path is an argument of the command, so no hint names the setting of the file.
    """
    unknown = (f"the system does not {{doing}} it: {os_reason(error)}", "")
    what, hint = (
        words.format(user=os.geteuid(), doing=doing) for words in _EXPLANATIONS.get(error.errno or 0, unknown)
    )
    if is_argument:
        hint = hint.replace(" with --file (or SIDECAR_FILE)", "")
    return BadFile(str(path), (Problem("", what, hint),))
