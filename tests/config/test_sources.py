"""Settings: where they come from, and which source wins."""

from __future__ import annotations

import json
from pathlib import Path

from sidecar.config import Address, Bootstrap, LogFormat, LogLevel, OnRemoved, load, load_network
from sidecar.config.settings import Settings
from sidecar.config.table import ALL_SETTINGS
from sidecar.domain.identity import Role
from sidecar.resources import schema
from tests.config.folder import write_toml


def test_without_any_setting_the_defaults_hold(folder: Path) -> None:
    settings = load({}, {}, folder)

    assert settings.etcd.endpoints == ("http://127.0.0.1:2379",)
    assert settings.network == "default"
    assert (settings.node.file, settings.node.role) == (folder / "federated.json", Role.FEDERATED)
    assert settings.node.state_dir == folder / ".sidecar"
    assert (settings.membership.lease_ttl, settings.process.stop_timeout) == (10.0, 10.0)
    assert settings.admin == Address("127.0.0.1", 9180)
    assert (settings.logging.format, settings.logging.level) == (LogFormat.CONSOLE, LogLevel.INFO)
    assert (settings.membership.bootstrap, settings.process.on_removed) == (Bootstrap.AUTO, OnRemoved.STOP)
    assert (settings.node.node_id, settings.node.url, settings.health.probe) == (None, None, None)
    assert settings.process.command == ()


def test_a_flag_beats_a_variable_which_beats_the_file(folder: Path) -> None:
    write_toml(folder, 'network = "from-file"\nlease_ttl = 5\nstop_timeout = 3')
    environ = {"SIDECAR_NETWORK": "from-env", "SIDECAR_LEASE_TTL": "6"}

    settings = load({"network": "from-flag"}, environ, folder)

    assert settings.network == "from-flag"
    assert (settings.membership.lease_ttl, settings.process.stop_timeout) == (6.0, 3.0)


EVERYTHING = {
    "etcd": ("http://a:2379,http://b:2379", ["http://a:2379", "http://b:2379"]),
    "network": ("blue", "blue"),
    "role": ("database", "database"),
    "file": ("node.json", "node.json"),
    "node_id": ("db-1", "db-1"),
    "url": ("http://localhost:9000", "http://localhost:9000"),
    "state_dir": ("state", "state"),
    "lease_ttl": ("2.5", 2.5),
    "stop_timeout": ("0", 0),
    "health": ("tcp://localhost:9000", "tcp://localhost:9000"),
    "bootstrap": ("never", "never"),
    "on_removed": ("leave", "leave"),
    "admin": ("[::1]:9181", "[::1]:9181"),
    "command": ("java -jar 'my server.jar'", ["java", "-jar", "my server.jar"]),
    "log_format": ("json", "json"),
    "log_level": ("debug", "debug"),
    "seed": ("seed.json", "seed.json"),
    "restart": ("child", "child"),
    "restart_timeout": ("30", 30),
    "start_timeout": ("90.5", 90.5),
    "restart_command": ("./restart.sh now", ["./restart.sh", "now"]),
    "signal.pattern": ("java .*server", "java .*server"),
    "signal.pid_file": ("server.pid", "server.pid"),
    "signal.signal": ("HUP", "HUP"),
    "endpoint.url": ("http://127.0.0.1:9100/hot-reload", "http://127.0.0.1:9100/hot-reload"),
    "endpoint.status": ("http://127.0.0.1:9100/status", "http://127.0.0.1:9100/status"),
    "endpoint.token_file": ("token", "token"),
    "docker.container": ("fed-1", "fed-1"),
    "docker.host": ("unix:///run/docker.sock", "unix:///run/docker.sock"),
    "kubernetes.mode": ("pod", "pod"),
    "kubernetes.workload": ("statefulset/fed", "statefulset/fed"),
    "kubernetes.namespace": ("blue", "blue"),
    "kubernetes.pod": ("fed-0", "fed-0"),
    "systemd.unit": ("fed.service", "fed.service"),
    "systemd.scope": ("user", "user"),
    "auth.user": ("root", "root"),
    "auth.password": ("hunter2", "hunter2"),
}


def as_toml(values: dict[str, object]) -> str:
    plain = [f"{key} = {json.dumps(value)}" for key, value in values.items() if "." not in key]
    auth = [f"{key} = {json.dumps(value)}" for key, value in values.items() if "." in key]
    return "\n".join([*plain, *auth])


def test_every_setting_can_come_from_every_source(folder: Path, tmp_path: Path) -> None:
    variables = {setting.key: setting.variable for setting in ALL_SETTINGS}
    by_flag = load({key: text for key, (text, _) in EVERYTHING.items()}, {}, folder)
    by_variable = load({}, {variables[key]: text for key, (text, _) in EVERYTHING.items()}, folder)
    write_toml(folder, as_toml({key: value for key, (_, value) in EVERYTHING.items()}))
    by_file = load({}, {}, folder)

    assert by_flag == by_variable == by_file
    assert by_file.etcd.endpoints == ("http://a:2379", "http://b:2379")
    assert by_file.process.command == ("java", "-jar", "my server.jar")
    assert by_file.admin == Address("::1", 9181)
    assert by_file.etcd.password == "hunter2"


def test_the_table_and_the_schema_have_the_same_settings() -> None:
    properties = schema("sidecar")["properties"]
    keys = set()
    for name, about in properties.items():
        inner = about.get("properties")
        keys |= {f"{name}.{key}" for key in inner} if inner else {name}

    assert {setting.key for setting in ALL_SETTINGS} == keys - {"$schema"}


def test_no_secret_has_a_flag() -> None:
    flags = {setting.key: setting.flag for setting in ALL_SETTINGS}

    assert flags["auth.password"] == ""
    assert flags["auth.password_file"] == "--password-file"


def test_a_password_never_shows_in_the_settings_text(folder: Path) -> None:
    settings = load({"auth.user": "me"}, {"SIDECAR_AUTH_PASSWORD": "hunter2"}, folder)

    assert "hunter2" not in repr(settings)


def test_an_empty_variable_counts_as_not_set(folder: Path) -> None:
    assert load({}, {"SIDECAR_URL": "", "SIDECAR_NETWORK": ""}, folder).network == "default"


def test_operator_commands_ignore_the_settings_of_run(tmp_path: Path) -> None:
    settings = load_network({}, {"SIDECAR_ROLE": "nonsense", "SIDECAR_NETWORK": "blue"}, tmp_path)

    assert not isinstance(settings, Settings)
    assert settings.network == "blue"
