"""Replacing a file so that a crash, at any moment, leaves the old one or the new one, whole."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path

_TEMPORARY_SUFFIX = ".sidecar-tmp"
_CHUNK_BYTES = 1 << 14
_ACL_ATTRIBUTE = "system.posix_acl_access"


def read_regular(path: Path, limit: int) -> bytes:
    """Return the file's bytes, at most ``limit``. Raises OSError, also for what is no regular file."""
    # Non-blocking: opening a pipe without a writer would wait for ever.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.ENOTSUP, "is not a regular file", str(path))
        data = bytearray()
        # In small pieces: a single read would set aside all of ``limit`` first, fresh pages for every look.
        while len(data) < limit and (chunk := file.read(min(_CHUNK_BYTES, limit - len(data)))):
            data += chunk
        return bytes(data)


def replace_file(path: Path, data: bytes, *, like: os.stat_result | None = None, mode: int = 0o600) -> None:
    """Make ``data`` the content of ``path``: temporary file, fsync, rename, fsync of the folder.

    The new file gets the mode and owner of ``like``, and the extended attributes (access lists, labels)
    of the file it replaces; without ``like`` the ``mode`` alone. Raises OSError, the old file untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}{_TEMPORARY_SUFFIX}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # alive: `remove_stale_temporaries` keeps off
            if like is not None:
                _copy_owner(descriptor, like)
                with suppress(OSError):  # the folder's default for new files is not this file's
                    os.removexattr(descriptor, _ACL_ATTRIBUTE)
                os.fchmod(descriptor, stat.S_IMODE(like.st_mode))  # after fchown, which clears bits
                _copy_attributes(path, descriptor)
            _write_all(descriptor, data)
            os.fsync(descriptor)
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def overwrite(path: Path, data: bytes) -> None:
    """Make ``data`` the content of ``path`` without replacing the file: durable, but not atomic.

    For a file that cannot be renamed over. ``data`` is JSON: blanks behind it change nothing.
    """
    with path.open("r+b", buffering=0) as file:
        # Blanks up to the old length first, so that who reads between the two calls finds valid JSON.
        _write_all(file.fileno(), data.ljust(os.fstat(file.fileno()).st_size))
        file.truncate(len(data))
        os.fsync(file.fileno())


def remove_stale_temporaries(path: Path) -> None:
    """Remove the temporary files of ``path`` that a writer left behind when it was killed."""
    with suppress(OSError):
        for leftover in path.parent.glob(f".{path.name}.*{_TEMPORARY_SUFFIX}"):
            with suppress(OSError), leftover.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its writer lives
                leftover.unlink()


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _copy_owner(descriptor: int, like: os.stat_result) -> None:
    # Mostly it is right already; setting it again would write to the disk's journal and wake those that
    # watch the folder.
    found = os.fstat(descriptor)
    if (found.st_uid, found.st_gid) != (like.st_uid, like.st_gid):
        os.fchown(descriptor, like.st_uid, like.st_gid)


def _copy_attributes(path: Path, descriptor: int) -> None:
    # At best: many file systems have none, and some attributes only root may set.
    with suppress(OSError):
        for name in os.listxattr(path):
            with suppress(OSError):
                os.setxattr(descriptor, name, os.getxattr(path, name))


def _sync_folder(folder: Path) -> None:
    # A folder that may be written but not listed cannot be opened; the rename stands all the same.
    with suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
