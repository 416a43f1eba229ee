"""Access to etcd: certificates, a user, a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.config import load, load_network
from tests.config.folder import Flags, load_error, write_toml


@pytest.fixture
def pem(tmp_path: Path) -> str:
    path = tmp_path / "x.pem"
    path.write_text("PEM")
    return str(path)


def test_certificates_reach_the_settings(folder: Path, pem: str) -> None:
    flags: Flags = {"etcd": "https://etcd:2379", "tls.ca": pem, "tls.cert": pem, "tls.key": pem}

    etcd = load_network(flags, {}, folder).etcd

    assert (etcd.ca, etcd.cert, etcd.key) == (Path(pem), Path(pem), Path(pem))


def test_a_certificate_that_cannot_be_read_is_an_error(folder: Path) -> None:
    flags: Flags = {"etcd": "https://etcd:2379", "tls.ca": "gone.pem"}

    assert (
        load_error(flags, {}, folder)
        == f"--tls-ca: {folder}/gone.pem cannot be read: No such file or directory"
    )


def test_a_certificate_needs_its_key_and_a_key_its_certificate(folder: Path, pem: str) -> None:
    flags: Flags = {"etcd": "https://etcd:2379"}

    assert "--tls-cert: needs tls.key too" in load_error(flags | {"tls.cert": pem}, {}, folder)
    assert "SIDECAR_TLS_KEY: needs tls.cert too" in load_error(flags, {"SIDECAR_TLS_KEY": pem}, folder)


def test_certificates_for_an_endpoint_without_tls_are_an_error(folder: Path, pem: str) -> None:
    said = load_error({"tls.ca": pem}, {}, folder)

    assert said.startswith(
        "--tls-ca: tls.ca is set, but http://127.0.0.1:2379 is not encrypted; write https://"
    )


def test_a_password_is_the_first_line_of_its_file(folder: Path) -> None:
    (folder / "password").write_text("s3cret \r\n")

    etcd = load({"auth.user": "me", "auth.password_file": "password"}, {}, folder).etcd

    assert (etcd.user, etcd.password) == ("me", "s3cret ")


def test_the_password_of_the_source_with_precedence_wins(folder: Path) -> None:
    (folder / "password").write_text("from-file")
    write_toml(folder, '[auth]\nuser = "me"\npassword = "from-toml"')

    by_flag = load({"auth.password_file": "password"}, {"SIDECAR_AUTH_PASSWORD": "from-env"}, folder)
    by_variable = load({}, {"SIDECAR_AUTH_PASSWORD": "from-env"}, folder)

    assert by_flag.etcd.password == "from-file"
    assert by_variable.etcd.password == "from-env"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SIDECAR_AUTH_USER": "me"}, "SIDECAR_AUTH_USER: a user needs a password"),
        ({"SIDECAR_AUTH_PASSWORD": "x"}, "SIDECAR_AUTH_PASSWORD: a password needs a user"),
        (
            {"SIDECAR_AUTH_USER": "me", "SIDECAR_AUTH_PASSWORD_FILE": "gone"},
            "gone cannot be read: No such file",
        ),
        (
            {"SIDECAR_AUTH_USER": "me", "SIDECAR_AUTH_PASSWORD_FILE": "empty"},
            "empty is empty; its first line must be the password",
        ),
        (
            {"SIDECAR_AUTH_USER": "me", "SIDECAR_AUTH_PASSWORD_FILE": "latin"},
            "latin is not UTF-8 text",
        ),
        (
            {"SIDECAR_AUTH_PASSWORD": "x", "SIDECAR_AUTH_PASSWORD_FILE": "latin"},
            "set only one of them",
        ),
    ],
)
def test_a_user_and_a_password_belong_together(folder: Path, environ: dict[str, str], said: str) -> None:
    (folder / "empty").write_text("\n")
    (folder / "latin").write_bytes(b"\xff")

    assert said in load_error({}, environ, folder)
