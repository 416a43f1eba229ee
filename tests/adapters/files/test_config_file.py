"""The configuration file on a real disk: reading, replacing, repairing."""

from __future__ import annotations

import fcntl
import os
import resource
import stat
import struct
from pathlib import Path

import pytest

from sidecar.adapters.files.config_file import LocalFile
from sidecar.domain.errors import BadFile
from sidecar.domain.identity import Role
from sidecar.domain.servers import ServerList
from tests.adapters.files.conftest import NOBODY, as_nobody
from tests.kit.prerequisites import require

pytestmark = pytest.mark.anyio

FOUR = ServerList.parse(f"http://localhost:{port}" for port in (9000, 9001, 9002, 9004))
only_root = pytest.mark.usefixtures("root")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_file_is_replaced_whole_with_only_its_list_changed(file: LocalFile, path: Path) -> None:
    before = path.stat()
    document = await file.read()
    await file.write(document.with_servers(FOUR))
    assert (await file.read()).servers == FOUR
    assert path.stat().st_ino != before.st_ino
    assert names_in(path.parent) == ["federated.json"]
    assert path.read_text() == document.with_servers(FOUR).text


async def test_a_document_that_is_there_already_is_not_written(file: LocalFile, path: Path) -> None:
    before = path.stat()
    await file.write(await file.read())
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


async def test_the_same_bytes_are_parsed_once(file: LocalFile) -> None:
    document = await file.read()
    assert await file.read() is document
    new = document.with_servers(FOUR)
    await file.write(new)
    assert await file.read() is new


@only_root
async def test_mode_owner_and_attributes_stay(file: LocalFile, path: Path) -> None:
    path.chmod(0o2640)
    os.chown(path, NOBODY, NOBODY)
    path.chmod(0o2640)
    os.setxattr(path, "user.mine", b"1")
    await file.write((await file.read()).with_servers(FOUR))
    after = path.stat()
    assert stat.S_IMODE(after.st_mode) == 0o2640
    assert (after.st_uid, after.st_gid) == (NOBODY, NOBODY)
    assert os.getxattr(path, "user.mine") == b"1"


async def test_the_default_acl_of_the_folder_is_not_applied(file: LocalFile, path: Path) -> None:
    entries = ((1, 7, -1), (2, 6, 12345), (4, 5, -1), (16, 7, -1), (32, 0, -1))  # acl(5)
    default = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(path.parent, "system.posix_acl_default", default)
    except OSError as exc:
        require(False, f"access lists in {path.parent}: {exc}")
    await file.write((await file.read()).with_servers(FOUR))
    assert "system.posix_acl_access" not in os.listxattr(path)


async def test_a_link_stays_and_its_target_is_replaced(path: Path) -> None:
    (path.parent / "links").mkdir()
    link = path.parent / "links" / "federated.json"
    link.symlink_to("../federated.json")
    file = LocalFile(link, Role.FEDERATED)
    await file.write((await file.read()).with_servers(FOUR))
    assert link.is_symlink()
    assert not path.is_symlink()
    assert (await LocalFile(path, Role.FEDERATED).read()).servers == FOUR


@only_root
async def test_in_a_read_only_folder_the_file_is_written_in_place(file: LocalFile, path: Path) -> None:
    os.chown(path, NOBODY, NOBODY)
    before = path.stat()
    document = await file.read()
    with as_nobody():
        await file.write(document.with_servers(FOUR))
        await file.write(document)  # shorter again: nothing of the longer one is left
        assert path.read_text() == document.text
        await file.write(document.with_servers(FOUR))
    assert path.stat().st_ino == before.st_ino
    assert path.read_text() == document.with_servers(FOUR).text


@only_root
async def test_a_file_of_another_user_keeps_its_owner(file: LocalFile, path: Path) -> None:
    path.chmod(0o666)
    path.parent.chmod(0o777)
    before = path.stat()
    document = await file.read()
    with as_nobody():
        await file.write(document.with_servers(FOUR))
    after = path.stat()
    assert (after.st_ino, after.st_uid) == (before.st_ino, before.st_uid)
    assert (await file.read()).servers == FOUR
    assert names_in(path.parent) == ["federated.json"]


async def test_a_failed_write_leaves_only_the_old_file(file: LocalFile, path: Path) -> None:
    document = await file.read()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # as a disk that is full after 100 bytes
    try:
        with pytest.raises(BadFile, match="the system does not write it: File too large"):
            await file.write(document.with_servers(FOUR))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == document.text
    assert names_in(path.parent) == ["federated.json"]


async def test_what_the_owner_typed_in_between_is_kept(file: LocalFile, path: Path) -> None:
    new = (await file.read()).with_servers(FOUR)
    path.write_text(path.read_text().replace('"Port": 9000', '"Port": 9000, "Mine": [1,  2]'))
    await file.write(new)
    document = await file.read()
    assert document.servers == FOUR
    assert '"Mine": [1,  2]' in document.text


async def test_what_the_owner_broke_in_between_is_not_written_over(file: LocalFile, path: Path) -> None:
    new = (await file.read()).with_servers(FOUR)
    path.write_text("{ half an edit")
    with pytest.raises(BadFile):
        await file.write(new)
    assert path.read_text() == "{ half an edit"


async def test_a_broken_list_can_be_repaired(file: LocalFile, path: Path) -> None:
    good = (await file.read()).text
    broken = good.replace('"http://localhost:9001",', "17,")
    path.write_text(broken)
    with pytest.raises(BadFile, match="/FederatedServers/1: 17 is a number"):
        await file.read()
    repaired = await file.propose_repair(FOUR)
    assert path.read_text() == broken
    assert repaired is not None
    assert repaired[0] == broken
    await file.write(repaired[1])
    assert (await file.read()).servers == FOUR


@pytest.mark.parametrize("text", ["", "[]", '{"FederatedServers": [], "Port": 0}'])
async def test_a_file_of_which_more_is_broken_is_its_owners(file: LocalFile, path: Path, text: str) -> None:
    path.write_text(text)
    assert await file.propose_repair(FOUR) is None


async def test_a_file_that_is_gone_cannot_be_repaired(file: LocalFile, path: Path) -> None:
    path.unlink()
    assert await file.propose_repair(FOUR) is None


async def test_the_temporary_files_of_a_killed_predecessor_are_removed(file: LocalFile, path: Path) -> None:
    dead = path.with_name(".federated.json.0a1b2c3d.sidecar-tmp")
    alive = path.with_name(".federated.json.4e5f6a7b.sidecar-tmp")
    others = path.with_name(".config.json.4e5f6a7b.sidecar-tmp")
    for leftover in (dead, alive, others):
        leftover.write_text("{")
    with alive.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        await file.read()
    assert names_in(path.parent) == [others.name, alive.name, "federated.json"]


async def test_a_concurrent_edit_survives_a_write(file: LocalFile, path: Path) -> None:
    before = await file.read()
    path.write_text(before.text.replace('"Mode"', '"Note": "mine", "Mode"'))
    await file.read()  # by the loop that watches, while another one is about to write
    await file.write(before.with_servers(FOUR))
    after = await file.read()
    assert after.servers == FOUR
    assert '"mine"' in after.text
