"""What the file begins as, where there is none yet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sidecar.adapters.files.seeding import seed
from sidecar.domain.errors import BadFile
from sidecar.domain.identity import Role
from tests.builders import document

SEED = document(9000, 9001).data


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "config-map" / "federated.json"
    path.parent.mkdir()
    path.write_bytes(SEED)
    path.chmod(0o444)
    return path


def test_a_file_that_is_missing_is_copied(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "federated.json"
    seed(source, target, Role.FEDERATED)
    assert target.read_bytes() == SEED
    assert os.access(target, os.W_OK)
    assert list(tmp_path.glob(".*")) == []


def test_the_folder_is_made(source: Path, tmp_path: Path) -> None:
    seed(source, tmp_path / "a" / "b" / "federated.json", Role.FEDERATED)
    assert (tmp_path / "a" / "b" / "federated.json").read_bytes() == SEED


def test_a_file_that_is_there_is_left_alone(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "federated.json"
    target.write_text("mine")
    seed(source, target, Role.FEDERATED)
    assert target.read_text() == "mine"


def test_the_seed_is_not_asked_for_where_the_file_is_there(tmp_path: Path) -> None:
    (tmp_path / "federated.json").write_text("mine")
    seed(tmp_path / "none", tmp_path / "federated.json", Role.FEDERATED)


def test_without_a_seed_nothing_happens(tmp_path: Path) -> None:
    seed(None, tmp_path / "federated.json", Role.FEDERATED)
    assert list(tmp_path.iterdir()) == []


def test_a_config_maps_links_are_followed(source: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(source)
    seed(link, tmp_path / "federated.json", Role.FEDERATED)
    assert (tmp_path / "federated.json").read_bytes() == SEED
    assert not (tmp_path / "federated.json").is_symlink()


def test_a_seed_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="none"):
        seed(tmp_path / "none.json", tmp_path / "federated.json", Role.FEDERATED)
    assert not (tmp_path / "federated.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"FederatedServers": 1}'])
def test_an_invalid_seed_is_reported_and_not_copied(source: Path, tmp_path: Path, text: str) -> None:
    source.chmod(0o644)
    source.write_text(text)
    with pytest.raises(BadFile) as caught:
        seed(source, tmp_path / "federated.json", Role.FEDERATED)
    assert str(source) in str(caught.value)
    assert not (tmp_path / "federated.json").exists()


def test_a_folder_or_a_pipe_is_no_seed(source: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", source.parent):
        with pytest.raises(BadFile):
            seed(path, tmp_path / "federated.json", Role.FEDERATED)


def test_a_place_that_cannot_be_written_is_named(source: Path, tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_text("a file")
    with pytest.raises(BadFile, match="in-the-way"):
        seed(source, tmp_path / "in-the-way" / "federated.json", Role.FEDERATED)


def test_a_link_that_leads_nowhere_yet_is_a_place_to_fill(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "federated.json"
    target.symlink_to(tmp_path / "volume" / "federated.json")
    seed(source, target, Role.FEDERATED)
    assert target.is_symlink()
    assert (tmp_path / "volume" / "federated.json").read_bytes() == SEED


@pytest.mark.parametrize(("seeds", "files"), [(0o444, 0o644), (0o644, 0o644), (0o400, 0o600), (0o755, 0o644)])
def test_who_may_read_the_seed_may_read_the_file(
    source: Path, tmp_path: Path, seeds: int, files: int
) -> None:
    source.chmod(seeds)
    before = os.umask(0o022)
    try:
        seed(source, tmp_path / "federated.json", Role.FEDERATED)
    finally:
        os.umask(before)
    assert (tmp_path / "federated.json").stat().st_mode & 0o777 == files
