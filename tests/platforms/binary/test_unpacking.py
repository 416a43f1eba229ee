"""The file unpacks itself once, safely, and reports what prevents that."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from tests.platforms.binary.root_filesystems import RootFilesystem

NOBODY_ID = 65534


def only_folder(machine: RootFilesystem) -> Path:
    (folder,) = machine.unpacked()
    return folder


def test_it_unpacks_once_for_its_user_only(bare: RootFilesystem) -> None:
    bare.run("--version")
    folder = only_folder(bare)
    status = folder.stat()
    assert (status.st_uid, status.st_mode & 0o777) == (NOBODY_ID, 0o700)
    bare.run("--version")
    assert only_folder(bare).stat() == status


def test_concurrent_starts_share_one_unpacked_folder(bare: RootFilesystem) -> None:
    started = [bare.start("--version") for _ in range(4)]
    for process in started:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, ""), out
    only_folder(bare)


@pytest.mark.parametrize("harm", ["gone", "truncated", "written to", "without its index"])
def test_a_damaged_folder_is_repaired(bare: RootFilesystem, harm: str) -> None:
    bare.run("--version")
    folder = only_folder(bare)
    module = folder / "app/sidecar/cli/main.pyc"
    sound = module.read_bytes()
    match harm:
        case "gone":
            module.unlink()
        case "truncated":
            os.truncate(module, 10)
        case "written to":
            module.write_bytes(sound[:-1] + b"!")
        case _:
            module.unlink()
            (folder / "INDEX").unlink()
    done = bare.run("--version")
    assert done.returncode == 0, done.stderr
    assert module.read_bytes() == sound
    assert only_folder(bare) == folder
    assert bare.run("--version").returncode == 0


@pytest.mark.parametrize(
    ("mode", "reason"), [(0o777, "belongs to another user"), (0o700, "permission denied")]
)
def test_a_folder_of_another_user_is_not_trusted(bare: RootFilesystem, mode: int, reason: str) -> None:
    bare.run("--version")
    folder = only_folder(bare)
    # In /tmp any user can create it first.
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 1234, 1234)
    folder.chmod(mode)
    done = bare.run("--version", env={"SIDECAR_UNPACK_DIR": "/tmp"})
    assert done.returncode == 73
    assert reason in done.stderr
    assert "SIDECAR_UNPACK_DIR=FOLDER" in done.stderr


def test_a_symlink_of_another_user_is_not_followed(bare: RootFilesystem) -> None:
    bare.run("--version")
    folder = only_folder(bare)
    folder.rename(bare.data / "elsewhere")
    folder.symlink_to("/data/elsewhere")
    done = bare.run("--version", env={"SIDECAR_UNPACK_DIR": "/tmp"})
    assert done.returncode == 73


def test_it_unpacks_into_the_next_folder_if_one_is_unusable(bare: RootFilesystem) -> None:
    done = bare.run("--version", env={"HOME": "/data"}, tmp_options="noexec")
    assert done.returncode == 0, done.stderr
    assert next((bare.data / ".cache").iterdir()).name.startswith("federation-sidecar-")
    # A read-only home is skipped.
    assert bare.run("--version", env={"HOME": "/dev"}).returncode == 0
    only_folder(bare)


@pytest.mark.parametrize(("options", "reason"), [("noexec", "/tmp: mounted noexec"), ("ro", "read-only")])
def test_without_a_usable_folder_it_reports_each_reason(
    bare: RootFilesystem, options: str, reason: str
) -> None:
    done = bare.run("--version", tmp_options=options)
    assert done.returncode == 73
    assert done.stderr.startswith("sidecar: no folder to unpack into (")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_folders_of_older_versions_are_removed_unless_in_use(bare: RootFilesystem) -> None:
    left, used = (bare.tmp / f"federation-sidecar-{name}" for name in ("left", "used"))
    for folder in (left, used):
        folder.mkdir(mode=0o700)
        os.chown(folder, NOBODY_ID, NOBODY_ID)
    descriptor = os.open(used, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        assert bare.run("--version").returncode == 0
    finally:
        os.close(descriptor)
    assert not left.exists()
    assert used.exists()
    assert len(bare.unpacked()) == 2
