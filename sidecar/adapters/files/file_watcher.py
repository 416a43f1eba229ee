"""Noticing changes of a path: from the kernel where it reports them, else by polling."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import to_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection
    from pathlib import Path

    from watchfiles._rust_notify import RustNotify

T = TypeVar("T")

# The watcher looks for news every `DEBOUNCE_INTERVAL_MS`, and hands it over once such an interval has brought
# no more: measured, an edit is reported within 0.6 s, for 0.02% of a core at rest (at 200 ms: 0.4 s for
# 0.03%; at 50 ms: for 0.1%).
DEBOUNCE_INTERVAL_MS = 300
# Some file systems report nothing (NFS, shared folders of virtual machines): there it is checked this often.
RESCAN_INTERVAL_MS = 5_000
RETRY_INTERVAL = 0.5


async def file_events(paths: Collection[Path], read_state: Callable[[], T]) -> AsyncGenerator[T, None]:
    """Yield what ``read_state`` sees once the watch stands, then whenever ``paths`` may have been touched.

    ``read_state`` runs in a worker thread. Where the kernel cannot watch (a folder is gone, or no watches are
    left) the iterator ends after `RETRY_INTERVAL` seconds: try again. Not `watchfiles.awatch`, which keeps a
    cancelled task waiting for seconds.
    """
    watcher = await to_thread.run_sync(_open_watcher, [str(path) for path in paths])
    yield await to_thread.run_sync(read_state, abandon_on_cancel=True)
    if watcher is None:
        await anyio.sleep(RETRY_INTERVAL)
        return
    stop = threading.Event()

    def wait() -> T:
        watcher.watch(DEBOUNCE_INTERVAL_MS, DEBOUNCE_INTERVAL_MS, RESCAN_INTERVAL_MS, stop)
        return read_state()

    try:
        while True:
            # Abandoned when cancelled: `stop` then ends the thread, within a `DEBOUNCE_INTERVAL_MS`.
            yield await to_thread.run_sync(wait, abandon_on_cancel=True)
    finally:
        stop.set()


def _open_watcher(paths: list[str]) -> RustNotify | None:
    from watchfiles import _rust_notify as watchfiles  # noqa: PLC0415 - 40 ms, in a thread

    # Its own thread takes over what is blocked here, and outlives the loop: a signal that this took just
    # before the sidecar re-executes would be lost.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        return watchfiles.RustNotify(paths, False, False, 0, False, False)
    except (OSError, watchfiles.WatchfilesRustInternalError):
        return None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
