"""A state folder that a newer sidecar wrote is left as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.adapters.files.lock import Holder, locked, read_holder, write_holder
from sidecar.domain.errors import BadConfiguration, BadFile
from sidecar.wiring.reexec import HANDOVER_VARIABLE, take_handover
from sidecar.wiring.state_formats import STATE_FILES, require_known_formats
from tests.builders import document
from tests.samples.catalogue import STORED


def newer(name: str) -> str:
    """The sample ``name`` as a newer sidecar might write it."""
    return json.dumps(json.loads(STORED[name].path.read_bytes()) | {"format": 2})


def test_a_folder_of_this_version_is_accepted(tmp_path: Path) -> None:
    for name in STATE_FILES:
        (tmp_path / name).write_bytes(STORED[name.removesuffix(".json")].path.read_bytes())

    require_known_formats(tmp_path)
    require_known_formats(tmp_path / "absent")


@pytest.mark.parametrize("name", STATE_FILES)
def test_a_newer_file_is_refused_with_what_to_do_and_kept(name: str, tmp_path: Path) -> None:
    text = newer(name.removesuffix(".json"))
    (tmp_path / name).write_text(text)

    with pytest.raises(BadFile) as caught:
        require_known_formats(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path / name}: /format: format 2 is too new: this sidecar reads format 1; upgrade this sidecar"
    )
    assert (tmp_path / name).read_text() == text


@pytest.mark.parametrize("text", ["", "[", "[]", "nonsense"])
def test_a_damaged_file_is_left_to_its_reader(text: str, tmp_path: Path) -> None:
    (tmp_path / "child-process.json").write_text(text)

    require_known_formats(tmp_path)


def test_a_newer_lock_that_is_held_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with locked(tmp_path) as lock:
        os.pwrite(lock, newer("lock").encode(), 0)

        with pytest.raises(BadFile, match=r"lock: /format: format 2 is too new: .*; upgrade this sidecar"):
            read_holder(tmp_path)


def test_a_newer_lock_that_is_not_held_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(newer("lock"))
    assert read_holder(tmp_path) is None

    with locked(tmp_path) as lock:
        write_holder(lock, Holder(1, "id"))
        assert read_holder(tmp_path) == Holder(1, "id")


def test_a_newer_handover_is_refused_with_what_to_do() -> None:
    environ = {HANDOVER_VARIABLE: newer("handover")}

    with pytest.raises(BadConfiguration, match=r"handover .*: /format: format 2 is too new"):
        take_handover(environ)


def test_run_starts_nothing_beside_a_newer_state_folder(tmp_path: Path) -> None:
    (tmp_path / "federated.json").write_text(document(9000).text)
    state = tmp_path / ".sidecar"
    state.mkdir()
    (state / "child-process.json").write_text(newer("child-process"))
    options = ["--etcd", "http://127.0.0.1:1", "--admin", "off", "--", "touch", "started"]
    argv = [sys.executable, "-m", "sidecar", "run", *options]

    ended = subprocess.run(
        [*argv, "--", "touch", "started"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 65, ended.stderr
    assert "child-process.json: /format: format 2 is too new" in ended.stderr
    assert not (tmp_path / "started").exists()
    assert [path.name for path in state.iterdir()] == ["child-process.json"]
