"""What cannot be read or written says why, and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sidecar.adapters.files.config_file import LocalFile
from sidecar.adapters.files.os_errors import as_bad_file
from sidecar.domain.errors import BadFile
from sidecar.domain.identity import Role
from sidecar.domain.servers import ServerList
from tests.adapters.files.conftest import as_nobody

pytestmark = pytest.mark.anyio

FOUR = ServerList.parse(f"http://localhost:{port}" for port in (9000, 9001, 9002, 9004))
only_root = pytest.mark.usefixtures("root")


async def test_a_missing_file_says_what_to_do(file: LocalFile, path: Path) -> None:
    document = await file.read()
    path.unlink()
    with pytest.raises(BadFile, match="does not exist; create it, or name another file with --fil"):
        await file.read()
    with pytest.raises(BadFile, match="does not exist"):
        await file.write(document.with_servers(FOUR))


async def test_a_folder_a_pipe_and_a_circle_are_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    for name, words in {
        ".": "is a folder; name the file inside it",
        "pipe": "is not a regular file",
        "circle": "is a symbolic link that leads back",
        "pipe/x": "does not exist",
    }.items():
        with pytest.raises(BadFile, match=words):
            await LocalFile(tmp_path / name, Role.FEDERATED).read()


@only_root
async def test_a_file_that_may_not_be_read_names_the_user(file: LocalFile, path: Path) -> None:
    path.chmod(0)
    words = "user 65534 may not read it; allow user 65534"
    with as_nobody(), pytest.raises(BadFile, match=words):
        await file.read()


async def test_a_file_over_a_mebibyte_is_refused_without_reading_on(file: LocalFile, path: Path) -> None:
    with path.open("r+b") as huge:
        huge.truncate(1 << 40)  # a hole: it takes no room
    with pytest.raises(BadFile, match="larger than 1 MiB"):
        await file.read()


def test_other_errors_have_the_text_of_the_system() -> None:
    message = as_bad_file(Path("f.json"), OSError(errno.EIO, "Input/output error"), "write")
    assert str(message) == "f.json: the system does not write it: Input/output error"
