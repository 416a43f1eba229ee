"""Values, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.config import load
from sidecar.config.table import ALL_SETTINGS
from sidecar.domain.identity import Role
from tests.config.folder import load_error, write_toml


@pytest.mark.parametrize(
    ("key", "bad", "said"),
    [
        ("lease_ttl", "abc", "'abc' is not a number of seconds from 2 to 3600, such as 10"),
        ("lease_ttl", "1", "'1' is not a number of seconds from 2"),
        ("stop_timeout", "nan", "'nan' is not a number of seconds from 0"),
        ("stop_timeout", "-1", "'-1' is not a number of seconds from 0"),
        ("role", "leader", "'leader' is not one of federated, database"),
        ("etcd", "127.0.0.1:2379", "'127.0.0.1:2379' does not start with http://"),
        ("etcd", "http://a:2379,", "'' is empty; an endpoint looks like http://127.0.0.1:2379"),
        ("etcd", "http://a:0", "has port 0"),
        ("network", "a/b", "network 'a/b' must be 1 to 63 letters"),
        ("node_id", "-x", "'-x' is not a NodeID"),
        ("url", "localhost", "does not start with http://"),
        ("url", "http://me:pw@localhost", "contains a user name or password"),
        ("admin", "9180", "'9180' is not HOST:PORT, such as 127.0.0.1:9180 or [::1]:9180, nor off"),
        ("admin", "::1:9180", "is not HOST:PORT"),
        ("admin", "127.0.0.1:70000", "is not HOST:PORT"),
        ("admin", ":9180", "is not HOST:PORT"),
        ("health", "localhost:9000", "is not http://HOST:PORT/PATH, tcp://HOST:PORT or exec:COMMAND"),
        ("health", "exec: ", "is not http://HOST:PORT/PATH"),
        ("log_level", "loud", "'loud' is not one of debug, info, warning, error"),
        ("file", " ", "is not text"),
    ],
)
def test_an_invalid_value_is_reported_with_source_and_correction(
    folder: Path, key: str, bad: str, said: str
) -> None:
    setting = next(setting for setting in ALL_SETTINGS if setting.key == key)

    by_flag, by_variable = load_error({key: bad}, {}, folder), load_error({}, {setting.variable: bad}, folder)

    assert by_flag.startswith(f"{setting.flag}: ")
    assert said in by_flag
    assert by_variable.startswith(f"{setting.variable}: ")


def test_an_invalid_value_in_the_file_is_reported_once(folder: Path) -> None:
    write_toml(folder, "lease_ttl = 1")

    said = load_error({}, {}, folder)

    assert said.startswith(f"{folder}/sidecar.toml: lease_ttl: 1 is not a number of seconds")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("bad", ["'unclosed", "''"])
def test_a_command_variable_is_split_as_a_shell_would(folder: Path, bad: str) -> None:
    assert load_error({}, {"SIDECAR_COMMAND": bad}, folder).startswith("SIDECAR_COMMAND: ")


@pytest.mark.parametrize("bad", ["[]", '["java", 3]', '[""]', "{ a = 1 }"])
def test_a_command_in_the_file_is_an_array_of_words(folder: Path, bad: str) -> None:
    write_toml(folder, f"command = {bad}")

    assert "sidecar.toml: command: " in load_error({}, {}, folder)


def test_all_problems_are_reported_one_a_line(folder: Path) -> None:
    write_toml(folder, "zebra = 1\nadmin = 9180")

    said = load_error({"lease_ttl": "x"}, {"SIDECAR_ROLE": "y"}, folder).splitlines()

    assert [line.rpartition("/")[2].split(":")[0] for line in said if "toml" in line] == 2 * ["sidecar.toml"]
    assert len(said) == 4


def test_endpoints_with_a_password_in_them_are_refused_without_repeating_it(folder: Path) -> None:
    said = load_error({"etcd": "http://root:hunter2@etcd:2379"}, {}, folder)

    assert said == "--etcd: contains a user name or password; set --user and --password-file"


def test_endpoints_come_in_normal_form_each_once(folder: Path) -> None:
    settings = load({"etcd": "HTTP://Etcd:2379/, http://etcd:2379,http://[::1]:2379"}, {}, folder)

    assert settings.etcd.endpoints == ("http://etcd:2379", "http://[::1]:2379")


# The node's file and its role.


def test_the_role_follows_from_the_name_of_the_file(tmp_path: Path) -> None:
    assert load({"file": "x/config.json"}, {}, tmp_path).node.role is Role.DATABASE
    assert load({"file": "x/federated.json"}, {}, tmp_path).node.role is Role.FEDERATED
    assert load({"file": "x/federated.json", "role": "database"}, {}, tmp_path).node.role is Role.DATABASE


def test_the_role_picks_the_file_where_both_are_there(folder: Path) -> None:
    (folder / "config.json").write_text("{}")

    assert load({"role": "database"}, {}, folder).node.file == folder / "config.json"
    assert f"file: both federated.json and config.json are in {folder}; " in load_error({}, {}, folder)


def test_a_missing_file_is_reported_with_the_flag_to_set(tmp_path: Path) -> None:
    said = load_error({}, {}, tmp_path)

    assert said.startswith(f"file: neither federated.json nor config.json is in {tmp_path}; ")
    assert said.endswith("name the file with --file PATH (or SIDECAR_FILE)")
    only = load_error({"role": "database"}, {}, tmp_path)
    assert only.startswith(f"file: config.json is not in {tmp_path}; ")


def test_an_unknown_file_name_requires_a_role(tmp_path: Path) -> None:
    said = load_error({"file": "servers.json"}, {}, tmp_path)

    assert said.startswith("role: cannot be derived from the name servers.json; set --role federated")
