"""What a real JVM is at, before it is killed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import cache, partial
from pathlib import Path

import anyio
import pytest

from sidecar.adapters.processes.jvm import MAX_THREAD_DUMPS, save_thread_dump
from sidecar.adapters.processes.launch import Command
from sidecar.adapters.restart.child import Child
from tests.builders import servers
from tests.kit.prerequisites import require
from tests.kit.processes import is_alive, poll_until, read_pid

pytestmark = pytest.mark.anyio

SOURCE = Path(__file__).with_name("Deaf.java")
STUCK = '"stuck-in-its-shutdown-hook"'
BOOT = 60.0
"""Seconds that a JVM may take to compile its one file and run it."""


@cache
def has_jdk() -> bool:
    if shutil.which("java") is None:
        return False
    modules = subprocess.run(("java", "--list-modules"), stdout=subprocess.PIPE, check=False).stdout
    return b"jdk.compiler" in modules


@pytest.fixture
async def jvm(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Child]:
    """A JVM that outlives SIGTERM, up and running; the test's parameter are options of it."""
    require(has_jdk(), "a JDK (Java 11 or newer)")
    options = getattr(request, "param", ())
    child = Child(
        Command(
            (
                "/bin/sh",
                "-c",
                'exec java "$@" > said',
                "java",
                *options,
                str(SOURCE),
                str(tmp_path / "ready"),
            ),
            tmp_path,
        ),
        folder=tmp_path / "state",
        jitter=lambda: 0.5,
        stop_timeout=0.5,
        before_kill=partial(save_thread_dump, folder=tmp_path / "dumps"),
    )
    await child.start(servers(9000))
    await poll_until((tmp_path / "ready").exists, BOOT)
    yield child
    child.signal(signal.SIGKILL)
    await child.stop()


async def test_one_that_outlives_sigterm_leaves_its_thread_dump(jvm: Child, tmp_path: Path) -> None:
    pid = await read_pid(tmp_path / "ready")
    await jvm.stop()
    assert not is_alive(pid)
    (dump,) = (tmp_path / "dumps").iterdir()
    assert STUCK in dump.read_text()
    assert dump.name.endswith(f"-{pid}.txt")
    # What a program holds may be in there.
    assert dump.stat().st_mode & 0o777 == 0o600
    assert dump.parent.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.glob(".attach_pid*")) == []


async def test_the_newest_dumps_are_kept(jvm: Child, tmp_path: Path) -> None:
    folder = tmp_path / "dumps"
    folder.mkdir()
    for day in range(MAX_THREAD_DUMPS + 5):
        (folder / f"2020-01-{day + 1:02}T00-00-00.000000Z-1.txt").touch()
    await save_thread_dump(await read_pid(tmp_path / "ready"), folder=folder)
    kept = sorted(path.name for path in folder.iterdir())
    assert len(kept) == MAX_THREAD_DUMPS
    assert not kept[-1].startswith("2020")
    assert kept[0].startswith("2020-01-07")


async def test_to_be_asked_does_not_end_it(jvm: Child, tmp_path: Path) -> None:
    pid = await read_pid(tmp_path / "ready")
    for asked in (1, 2):
        await save_thread_dump(pid, folder=tmp_path / "dumps")
        assert is_alive(pid)
        assert len(list((tmp_path / "dumps").iterdir())) == asked


@pytest.mark.parametrize("jvm", [("-XX:+DisableAttachMechanism",)], indirect=True)
async def test_a_jvm_that_refuses_to_attach_prints_the_dump_itself(
    jvm: Child, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pid = await read_pid(tmp_path / "ready")
    await save_thread_dump(pid, folder=tmp_path / "dumps")
    assert is_alive(pid)
    assert "see the output of the JVM" in caplog.text
    await poll_until(lambda: "Full thread dump" in (tmp_path / "said").read_text())
    assert not (tmp_path / "dumps").exists()


async def test_a_read_only_folder_is_reported(
    jvm: Child, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "dumps").write_text("in the way")
    await save_thread_dump(await read_pid(tmp_path / "ready"), folder=tmp_path / "dumps")
    assert "thread dump failed" in caplog.text


DYING = """
import mmap, os, pathlib, signal, socket, sys
library = pathlib.Path("libjvm.so")
library.write_bytes(bytes(mmap.PAGESIZE))
mapped = mmap.mmap(os.open(library, os.O_RDONLY), mmap.PAGESIZE, prot=mmap.PROT_READ)
door = f"/tmp/.java_pid{os.getpid()}"
listener = socket.socket(socket.AF_UNIX)
listener.bind(door)
listener.listen()
signal.signal(signal.SIGQUIT, signal.SIG_IGN)
pathlib.Path("ready").touch()
caller, _ = listener.accept()  # and an unread byte, so that its end resets the connection
caller.recv(1)
os.unlink(door)
os._exit(143)
"""


async def test_a_jvm_that_ends_meanwhile_leaves_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with await anyio.open_process((sys.executable, "-c", DYING), cwd=tmp_path) as process:
        await poll_until((tmp_path / "ready").exists)
        await save_thread_dump(process.pid, folder=tmp_path / "dumps")
        await process.wait()
    assert "see the output of the JVM" in caplog.text
    assert not (tmp_path / "dumps").exists()
    assert list(tmp_path.glob(".attach_pid*")) == []


async def test_what_is_no_jvm_is_asked_nothing(tmp_path: Path) -> None:
    async with await anyio.open_process(("sleep", "1000")) as process:
        await save_thread_dump(process.pid, folder=tmp_path / "dumps")
        assert is_alive(process.pid)
        process.kill()
    await save_thread_dump(process.pid, folder=tmp_path / "dumps")
    assert not (tmp_path / "dumps").exists()
