"""The file sidecar.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.config import load
from tests.config.folder import load_error, write_toml


def test_the_file_is_the_one_named_by_flag_or_variable(folder: Path) -> None:
    write_toml(folder, 'network = "here"')
    (folder / "a.toml").write_text('network = "a"')
    (folder / "b.toml").write_text('network = "b"')

    assert load({}, {}, folder).network == "here"
    assert load({}, {"SIDECAR_CONFIG": "b.toml"}, folder).network == "b"
    assert load({"config": "a.toml"}, {"SIDECAR_CONFIG": "b.toml"}, folder).network == "a"


def test_paths_in_the_file_are_relative_to_its_folder(folder: Path) -> None:
    (folder / "etc").mkdir()
    (folder / "etc" / "sidecar.toml").write_text('file = "federated.json"')

    settings = load({"config": "etc/sidecar.toml"}, {}, folder)

    assert settings.node.file == folder / "etc" / "federated.json"


def test_a_named_file_that_is_not_there_is_an_error(folder: Path) -> None:
    assert "gone.toml: cannot be read: No such file" in load_error({"config": "gone.toml"}, {}, folder)


@pytest.mark.parametrize("content", [b"lease_ttl = = 3", b'network = "\xff"'])
def test_a_file_that_is_not_toml_is_reported_by_name(folder: Path, content: bytes) -> None:
    (folder / "sidecar.toml").write_bytes(content)

    assert "sidecar.toml: is not TOML: " in load_error({}, {}, folder)


def test_a_truncated_file_is_reported_with_its_last_line(folder: Path) -> None:
    write_toml(folder, 'lease_ttl = 3\netcd = ["http://a:2379",\n')

    assert load_error({}, {}, folder).endswith("is not TOML: Invalid value (at the end, line 2)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lease-ttl = 3", "lease-ttl: unknown setting; did you mean lease_ttl?"),
        ('netwrok = "x"', "netwrok: unknown setting; did you mean network?"),
        ('user = "x"', "user: unknown setting; did you mean auth.user?"),
        ('[tls]\ncertificate = "x"', "tls.certificate: unknown setting; did you mean tls.cert?"),
        ('tls = "x.pem"', "tls: must be a table: [tls]"),
        ("zebra = 3", "zebra: unknown setting"),
    ],
)
def test_an_unknown_key_is_reported_once_with_the_nearest_match(folder: Path, text: str, said: str) -> None:
    write_toml(folder, text)

    assert load_error({}, {}, folder) == f"{folder}/sidecar.toml: {said}"


def test_the_schema_also_checks_overridden_values(folder: Path) -> None:
    write_toml(folder, "lease_ttl = true")

    assert f"{folder}/sidecar.toml: lease_ttl: " in load_error({"lease_ttl": "5"}, {}, folder)


def test_problems_under_auth_are_reported_without_the_value(folder: Path) -> None:
    write_toml(folder, "[auth]\npassword = 12345678")

    for environ in ({}, {"SIDECAR_AUTH_PASSWORD": "x", "SIDECAR_AUTH_USER": "u"}):
        assert "12345678" not in load_error({}, environ, folder)
