"""Reports of changes: by hand, by a rename, by a swapped link, after a folder was deleted."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import pytest

from sidecar.adapters.files.config_file import LocalFile
from sidecar.domain.errors import BadFile
from sidecar.domain.identity import Role
from sidecar.domain.servers import ServerList

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parents[2] / "data"
DEADLINE = 30


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(shutil.copy(DATA / "fed-1" / "federated.json", tmp_path))


@asynccontextmanager
async def watched(path: Path) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Yield a function that waits until the file's text is what it is given, driven by changes alone."""
    file = LocalFile(path, Role.FEDERATED)
    async with aclosing(file.changes()) as changes:
        with anyio.fail_after(DEADLINE):
            await anext(changes)

        async def holds(text: str) -> None:
            with anyio.fail_after(DEADLINE):
                async for _ in changes:
                    if path.exists() and path.read_text() == text:
                        return

        yield holds


async def changed_within(changes: AsyncIterator[None], seconds: float) -> bool:
    with anyio.move_on_after(seconds):
        await anext(changes)
        return True
    return False


async def test_an_edit_in_place_is_reported(path: Path) -> None:
    async with watched(path) as holds:
        path.write_text("edited")
        await holds("edited")


async def test_every_rename_over_the_file_is_reported(path: Path) -> None:
    async with watched(path) as holds:
        for text in ("one", "two"):
            new = path.with_name("new")
            new.write_text(text)
            new.replace(path)
            await holds(text)


async def test_only_edits_of_the_written_file_are_reported(path: Path) -> None:
    file = LocalFile(path, Role.FEDERATED)
    document = await file.read()
    heard = 0
    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            nonlocal heard
            async for _ in file.changes():
                heard += 1
                again.set()

        again = anyio.Event()
        path.write_text(document.text + " ")
        tasks.start_soon(listen)
        with anyio.fail_after(DEADLINE):
            await again.wait()
            edited = await file.read()
            await file.write(edited.with_servers(ServerList.parse(["http://localhost:9000"])))
            again = anyio.Event()
            with anyio.move_on_after(1):
                await again.wait()
            assert heard == 1
            path.write_text(document.text + " ")
            await again.wait()
        tasks.cancel_scope.cancel()


async def test_an_edit_kept_by_a_write_is_reported(path: Path) -> None:
    file = LocalFile(path, Role.FEDERATED)
    document = await file.read()
    path.write_text(document.text + " ")
    await file.write(document.with_servers(ServerList.parse(["http://localhost:9000"])))
    async with aclosing(file.changes()) as changes:
        with anyio.fail_after(DEADLINE):
            await anext(changes)
    assert (await file.read()).text.endswith(" ")


async def test_an_undone_invalid_edit_is_reported(path: Path) -> None:
    file = LocalFile(path, Role.FEDERATED)
    document = await file.read()
    path.write_text("{")
    async with aclosing(file.changes()) as changes:
        assert await changed_within(changes, DEADLINE)
        with pytest.raises(BadFile):
            await file.read()
        path.write_text(document.text)
        assert await changed_within(changes, DEADLINE)
        assert await file.read() == document
        path.with_name("beside").touch()
        assert not await changed_within(changes, 1)


async def test_a_file_that_stays_invalid_is_reported_once(path: Path) -> None:
    file = LocalFile(path, Role.FEDERATED)
    await file.read()
    path.write_text("{")
    async with aclosing(file.changes()) as changes:
        assert await changed_within(changes, DEADLINE)
        path.with_name("beside").touch()
        assert not await changed_within(changes, 1)


async def test_a_deleted_and_recreated_file_is_reported(path: Path) -> None:
    async with watched(path) as holds:
        path.unlink()
        path.write_text("again")
        await holds("again")


async def test_a_swapped_config_map_is_reported(tmp_path: Path) -> None:
    """Kubernetes links the file to ``..data/``, and ``..data`` to a folder that it replaces."""
    for version in ("one", "two", "three"):
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}" / "federated.json").write_text(version)
    (tmp_path / "..data").symlink_to("..one")
    path = tmp_path / "federated.json"
    path.symlink_to("..data/federated.json")
    async with watched(path) as holds:
        for version in ("two", "three"):
            (tmp_path / "..data_tmp").symlink_to(f"..{version}")
            (tmp_path / "..data_tmp").replace(tmp_path / "..data")
            await holds(version)


async def test_an_edit_of_a_link_target_is_reported(tmp_path: Path, path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "federated.json"
    link.symlink_to(path)
    async with watched(link) as holds:
        path.write_text("edited")
        await holds("edited")


async def test_a_relative_path_is_watched_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    async with watched(Path(path.name)) as holds:
        path.write_text("edited")
        await holds("edited")


async def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "later" / "federated.json"
    async with watched(path) as holds:
        path.parent.mkdir()
        path.write_text("here")
        await holds("here")


async def test_changes_of_other_files_are_not_reported(path: Path) -> None:
    file = LocalFile(path, Role.FEDERATED)
    async with aclosing(file.changes()) as changes:
        assert await changed_within(changes, DEADLINE)
        path.with_name("other.json").write_text("x")
        path.with_name(".federated.json.0.sidecar-tmp").write_text("x")
        assert not await changed_within(changes, 1)


async def test_a_watch_that_is_cancelled_ends_at_once(path: Path) -> None:
    file = LocalFile(path, Role.FEDERATED)
    standing = anyio.Event()

    async def watch() -> None:
        async for _ in file.changes():
            standing.set()

    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await standing.wait()
            began = anyio.current_time()
            tasks.cancel_scope.cancel()
        # The watcher itself checks after five seconds of silence; the test does not wait for that.
        assert anyio.current_time() - began < 3
