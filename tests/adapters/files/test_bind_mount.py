"""A file that is itself a bind mount, as ``docker run -v file:file`` makes them: rename gives EBUSY."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.kit.prerequisites import require

DATA = Path(__file__).parents[2] / "data"
ROOT = Path(__file__).parents[3]
# A private mount namespace; who is not root becomes it in a namespace of users.
UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]

WRITE = """
import anyio, errno, os, sys
from contextlib import aclosing
from pathlib import Path
from sidecar.adapters.files.config_file import LocalFile
from sidecar.domain.identity import Role
from sidecar.domain.servers import ServerList

outside, inside = map(Path, sys.argv[1:])

async def main():
    file = LocalFile(inside, Role.FEDERATED)
    document = await file.read()
    more = document.servers.appended(ServerList.parse(["http://new"]))
    try:
        os.replace(shutil_copy, inside)
    except OSError as exc:
        assert exc.errno == errno.EBUSY, exc
    await file.write(document.with_servers(more))
    assert (await file.read()).servers == more
    assert os.listdir(inside.parent) == [inside.name], os.listdir(inside.parent)
    async with aclosing(LocalFile(inside, Role.FEDERATED).changes()) as changes:
        with anyio.fail_after(30):
            await anext(changes)
            outside.write_text(document.text)  # by the host, behind the mount
            await anext(changes)
    assert (await file.read()).servers == document.servers

shutil_copy = inside.parent.parent / "copy"
shutil_copy.write_text("{}")
anyio.run(main)
"""


def mounts_work(folder: Path) -> bool:
    if not shutil.which("unshare"):
        return False
    command = [*UNSHARE, "mount", "--bind", str(folder), str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_bind_mounted_file_is_written_and_watched_in_place(tmp_path: Path) -> None:
    require(mounts_work(tmp_path), "permission to mount in a namespace of its own")
    outside, inside = tmp_path / "host" / "federated.json", tmp_path / "box" / "federated.json"
    for path in (outside, inside):
        path.parent.mkdir()
    shutil.copy(DATA / "fed-1" / "federated.json", outside)
    inside.touch()
    inode = outside.stat().st_ino
    mount = f"mount --bind '{outside}' '{inside}' && exec \"$@\""
    python = [sys.executable, "-c", WRITE, str(outside), str(inside)]
    done = subprocess.run(
        [*UNSHARE, "sh", "-c", mount, "sh", *python],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert outside.stat().st_ino == inode
    assert inside.read_text() == ""  # it was the mount that was written, not what it covers
