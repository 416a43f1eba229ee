"""What the sidecar remembers: the last list that was good, and the edits that were rejected."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sidecar.adapters.files.state_folder import MAX_REJECTED, LocalStateFolder
from sidecar.domain.errors import BadFile
from sidecar.domain.servers import ServerList

pytestmark = pytest.mark.anyio

TWO = ServerList.parse(["http://a", "http://b/é"])
START = datetime(2025, 1, 31, 12, tzinfo=UTC)


def clock() -> Callable[[], datetime]:
    ticks = iter(range(10_000))
    return lambda: START + timedelta(seconds=next(ticks))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "state"


@pytest.fixture
def state(folder: Path) -> LocalStateFolder:
    return LocalStateFolder(folder, "federated.json", now=clock())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_at_first_there_is_nothing_and_reading_makes_nothing(
    state: LocalStateFolder, folder: Path
) -> None:
    assert await state.load_last_known_good() is None
    assert not folder.exists()


async def test_the_last_list_survives_the_sidecar(state: LocalStateFolder, folder: Path) -> None:
    await state.save_last_known_good(7, ServerList.parse(["http://old"]))
    await state.save_last_known_good(8, TWO)
    found = await LocalStateFolder(folder, "federated.json").load_last_known_good()
    assert found == (8, TWO)
    assert found[1].texts() == TWO.texts()
    assert [path.name for path in folder.iterdir()] == ["last-known-good.json"]


async def test_the_folder_is_the_sidecars_alone(state: LocalStateFolder, folder: Path) -> None:
    await state.save_rejected("old\n", "new\n")
    await state.save_last_known_good(1, TWO)
    assert mode_of(folder) == mode_of(folder / "rejected") == 0o700
    assert mode_of(folder / "last-known-good.json") == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("http://a", "http://x"),
        lambda text: text.replace('"version": 7', '"version": 8'),
        lambda text: text[: len(text) // 2],
        lambda _: "",
        lambda _: "[]",
        lambda _: json.dumps({"version": 1, "FederatedServers": None, "sha256": ""}),
        lambda _: "[" * 100_000,
    ],
)
async def test_a_list_that_was_damaged_is_ignored_and_said_to_be(
    state: LocalStateFolder,
    folder: Path,
    damage: Callable[[str], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    await state.save_last_known_good(7, TWO)
    good = folder / "last-known-good.json"
    good.write_text(damage(good.read_text()))
    with caplog.at_level(logging.WARNING):
        assert await state.load_last_known_good() is None
    assert "last-known-good list ignored" in caplog.text


async def test_a_list_that_cannot_be_kept_is_logged_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        await LocalStateFolder(tmp_path / "file" / "state", "federated.json").save_last_known_good(1, TWO)
    assert "cannot save the last-known-good list" in caplog.text


async def test_a_rejected_text_is_kept_with_its_diff(state: LocalStateFolder, folder: Path) -> None:
    kept = await state.save_rejected('{"forged": 1}\n', '{"good": 1}\n')
    rejected = folder / "rejected" / "2025-01-31T12-00-00.000000Z-federated.json"
    assert kept == f"{rejected}.diff"
    assert rejected.read_text() == '{"forged": 1}\n'
    assert Path(kept).read_text() == (
        "--- federated.json (rejected)\n+++ federated.json (canonical)\n"
        '@@ -1 +1 @@\n-{"forged": 1}\n+{"good": 1}\n'
    )


async def test_only_the_newest_rejected_texts_are_kept(state: LocalStateFolder, folder: Path) -> None:
    for number in range(MAX_REJECTED + 3):
        await state.save_rejected(f"{number}\n", "good\n")
    kept = sorted((folder / "rejected").iterdir())
    assert len(kept) == 2 * MAX_REJECTED
    assert kept[0].read_text() == "3\n"


async def test_a_tool_that_insists_does_not_push_out_what_a_person_typed(
    state: LocalStateFolder, folder: Path
) -> None:
    await state.save_rejected("typed\n", "good\n")
    paths = {await state.save_rejected("insisted\n", "good\n") for _ in range(MAX_REJECTED + 3)}
    assert len(paths) == 1
    assert len(list((folder / "rejected").iterdir())) == 4


async def test_a_deleted_rejected_edit_is_stored_again(state: LocalStateFolder) -> None:
    first = Path(await state.save_rejected("typed\n", "good\n"))
    first.with_suffix("").unlink()
    second = Path(await state.save_rejected("typed\n", "good\n"))
    assert second != first
    assert second.with_suffix("").read_text() == "typed\n"


async def test_rejected_texts_are_named_by_the_time_of_day(folder: Path) -> None:
    before = datetime.now(UTC)
    kept = await LocalStateFolder(folder, "config.json").save_rejected("old", "new")
    stamp = Path(kept).name.removesuffix("Z-config.json.diff")
    named = datetime.strptime(f"{stamp}+0000", "%Y-%m-%dT%H-%M-%S.%f%z")
    assert before <= named <= datetime.now(UTC)


async def test_a_rejected_text_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadFile, match="rejected: "):
        await LocalStateFolder(tmp_path / "file", "federated.json").save_rejected("old", "new")
