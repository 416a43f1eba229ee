"""The watcher that gets changes from the kernel."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from sidecar.adapters.files.file_watcher import file_events

pytestmark = pytest.mark.anyio


THREADS = Path("/proc/self/task")


def blocked(thread: Path) -> int:
    """The signals that ``thread`` of this process does not take, a bit each."""
    status = (thread / "status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("SigBlk")).split()[1], 16)


async def test_its_own_thread_takes_no_signal(tmp_path: Path) -> None:
    """It outlives the event loop: a signal for the sidecar's next execution must not go to it."""
    before = set(THREADS.iterdir())
    watching = file_events([tmp_path], lambda: None)
    await anext(watching)
    begun = set(THREADS.iterdir()) - before
    found = [thread for thread in begun if "notify" in (thread / "comm").read_text()]
    assert found
    for thread in found:
        assert blocked(thread) & 1 << (signal.SIGTERM - 1)
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    await watching.aclose()
