"""What a JVM does before it is killed: its thread dump, saved in a file.

HotSpot's attach protocol: a file ``.attach_pid<pid>`` in its working folder, and SIGQUIT, make it listen on
``/tmp/.java_pid<pid>``; there, ``threaddump`` is answered by the dump. A JVM that does not attach (it is
switched off, or another make) prints the dump to its standard output on that SIGQUIT instead.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import anyio
from anyio import to_thread

from sidecar.adapters.processes.pidfd import Pidfd
from sidecar.logs import event

log = logging.getLogger(__name__)

THREAD_DUMP_FOLDER = "thread-dumps"
"""Where dumps are kept, in the state folder."""

MAX_THREAD_DUMPS = 20
THREAD_DUMP_TIMEOUT = 3.0
"""Seconds that a dump may take; a JVM that answers nothing is not waited for any longer."""

# Protocol version, command, three arguments, each ended by a zero.
_THREAD_DUMP = b"1\0threaddump\0\0\0\0"
_POLL_INTERVAL = 0.02


async def save_thread_dump(pid: int, *, folder: Path) -> None:
    """Ask process ``pid``, if it is a JVM, for a thread dump, and keep that in ``folder``. Never raises."""
    process = Pidfd.open(pid)
    if process is None:
        return
    try:
        if not _is_jvm(pid):
            return
        dump = b""
        with (
            anyio.move_on_after(THREAD_DUMP_TIMEOUT),
            suppress(OSError, anyio.EndOfStream, anyio.BrokenResourceError),
        ):
            dump = await _request_dump(process)
        if not dump:
            event(log, logging.WARNING, "thread dump requested; see the output of the JVM", pid=pid)
            return
        kept = await to_thread.run_sync(_save, folder, pid, dump)
        event(log, logging.WARNING, "thread dump saved", pid=pid, kept=str(kept))
    except OSError as exc:
        event(log, logging.WARNING, "thread dump failed", pid=pid, reason=str(exc))
    finally:
        process.close()


def _is_jvm(pid: int) -> bool:
    """Whether it has mapped HotSpot's library: to anything else SIGQUIT would be the end."""
    try:
        with Path(f"/proc/{pid}/maps").open(encoding="utf-8", errors="replace") as maps:
            return any("libjvm.so" in line for line in maps)
    except OSError:
        return False


async def _request_dump(process: Pidfd) -> bytes:
    number = _pid_in_its_namespace(process.pid)
    with _attach_file(process.pid, number):
        # Where it does not attach, this makes it print the dump.
        process.signal(signal.SIGQUIT)
        socket_path = f"/proc/{process.pid}/root/tmp/.java_pid{number}"
        while not os.path.exists(socket_path):  # noqa: ASYNC110, ASYNC240, PTH110 - no event announces it, and /proc does not block
            await anyio.sleep(_POLL_INTERVAL)
        return await _read_dump(socket_path)


@contextmanager
def _attach_file(pid: int, number: str) -> Iterator[None]:
    """The file that makes a JVM attach on SIGQUIT: in its working folder, or else in its /tmp."""
    name = f".attach_pid{number}"
    for path in (f"/proc/{pid}/cwd", f"/proc/{pid}/root/tmp"):
        try:
            # Held: when the process has ended meanwhile, its path leads nowhere, and the file would stay.
            folder = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=folder))
        except OSError:
            os.close(folder)
            continue
        try:
            yield
        finally:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
            os.close(folder)
        return
    yield


async def _read_dump(socket_path: str) -> bytes:
    answer = b""
    async with await anyio.connect_unix(socket_path) as stream:
        await stream.send(_THREAD_DUMP)
        with suppress(anyio.EndOfStream):
            while True:
                answer += await stream.receive()
    status, _, dump = answer.partition(b"\n")
    return dump if status.strip() == b"0" else b""


def _pid_in_its_namespace(pid: int) -> str:
    """Its number in its own namespace, which is the one that it names its files by."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("NSpid:"):
            return line.split()[-1]
    return str(pid)


def _save(folder: Path, pid: int, dump: bytes) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = folder / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%fZ}-{pid}.txt"
    handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(dump)
    for old in sorted(folder.glob("*.txt"))[:-MAX_THREAD_DUMPS]:
        old.unlink(missing_ok=True)
    return kept
