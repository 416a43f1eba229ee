"""Which driver restarts the process, and what is said where it lacks something, or has too much."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from sidecar.config import Restart, load
from sidecar.config.restart_modes import (
    ChildRestart,
    CommandRestart,
    DockerRestart,
    EndpointRestart,
    KubernetesMode,
    KubernetesRestart,
    NoRestart,
    ReexecRestart,
    SignalRestart,
    SystemdRestart,
    SystemdScope,
)
from sidecar.config.table import ALL_SETTINGS
from tests.config.folder import Flags, load_error, write_toml

URL = "http://127.0.0.1:9100/hot-reload"


def load_restart_of(folder: Path, flags: Flags) -> Restart:
    return load(flags, {}, folder).process.restart


def test_the_default_driver_is_child_with_a_command_and_else_none(folder: Path) -> None:
    assert load_restart_of(folder, {"command": ["java", "-jar", "a.jar"]}) == ChildRestart(
        ("java", "-jar", "a.jar")
    )
    assert load_restart_of(folder, {}) == NoRestart()
    assert load_restart_of(folder, {"restart": "none"}) == NoRestart()


@pytest.mark.parametrize(
    ("flags", "restart"),
    [
        ({"restart": "signal", "signal.pattern": "a.jar"}, SignalRestart(None, "a.jar", signal.SIGTERM)),
        (
            {"restart": "signal", "signal.pid_file": "/run/a.pid", "signal.signal": "hup"},
            SignalRestart(Path("/run/a.pid"), None, signal.SIGHUP),
        ),
        (
            {"restart": "endpoint", "endpoint.url": URL, "endpoint.token_file": "/run/token"},
            EndpointRestart(URL, URL, Path("/run/token")),
        ),
        (
            {
                "restart": "endpoint",
                "endpoint.url": URL,
                "endpoint.status": "https://fed:9443/s",
                "endpoint.token_file": "/t",
            },
            EndpointRestart(URL, "https://fed:9443/s", Path("/t")),
        ),
        ({"restart": "docker", "docker.container": "fed-1"}, DockerRestart("fed-1", None)),
        (
            {"restart": "kubernetes", "signal.pattern": "a.jar"},
            KubernetesRestart(
                KubernetesMode.CONTAINER, SignalRestart(None, "a.jar", signal.SIGTERM), None, None, None
            ),
        ),
        (
            {"restart": "kubernetes", "kubernetes.mode": "pod", "kubernetes.pod": "fed-0"},
            KubernetesRestart(KubernetesMode.POD, None, None, None, "fed-0"),
        ),
        (
            {
                "restart": "kubernetes",
                "kubernetes.mode": "workload",
                "kubernetes.workload": "StatefulSet/fed",
                "kubernetes.namespace": "n",
            },
            KubernetesRestart(KubernetesMode.WORKLOAD, None, ("statefulsets", "fed"), "n", None),
        ),
        (
            {"restart": "systemd", "systemd.unit": "a.service"},
            SystemdRestart("a.service", SystemdScope.SYSTEM),
        ),
        (
            {"restart": "systemd", "systemd.unit": "a.service", "systemd.scope": "user"},
            SystemdRestart("a.service", SystemdScope.USER),
        ),
        (
            {"restart": "command", "restart_command": "svc restart 'a b'"},
            CommandRestart(("svc", "restart", "a b")),
        ),
        ({"restart": "itself"}, ReexecRestart()),
    ],
    ids=lambda value: value["restart"] if isinstance(value, dict) else "",
)
def test_each_driver_gets_what_it_needs(folder: Path, flags: Flags, restart: Restart) -> None:
    assert load_restart_of(folder, flags) == restart


def test_the_default_token_file_is_in_the_state_folder(folder: Path) -> None:
    settings = load({"restart": "endpoint", "endpoint.url": URL}, {}, folder)
    assert settings.process.restart == EndpointRestart(URL, URL, settings.node.state_dir / "hot-reload.token")


def test_tables_of_the_file_are_read(folder: Path) -> None:
    write_toml(folder, 'restart = "signal"\n[signal]\npid_file = "run/a.pid"\nsignal = "USR1"')
    assert load_restart_of(folder, {}) == SignalRestart(folder / "run/a.pid", None, signal.SIGUSR1)


@pytest.mark.parametrize(
    ("driver", "needs", "advice"),
    [
        ("child", "command", "write it behind --"),
        ("signal", "signal.pattern", "set --signal-pattern REGEX or --signal-pid-file FILE"),
        ("endpoint", "endpoint.url", "set --endpoint-url URL (SIDECAR_ENDPOINT_URL)"),
        ("docker", "docker.container", "set --docker-container NAME (SIDECAR_DOCKER_CONTAINER)"),
        ("kubernetes", "signal.pattern", "set --signal-pattern REGEX or --signal-pid-file FILE"),
        ("systemd", "systemd.unit", "set --systemd-unit UNIT (SIDECAR_SYSTEMD_UNIT)"),
        ("command", "restart_command", "set --restart-command COMMAND (SIDECAR_RESTART_COMMAND)"),
    ],
)
def test_a_missing_driver_setting_is_named_with_its_flag(
    folder: Path, driver: str, needs: str, advice: str
) -> None:
    assert load_error({"restart": driver}, {}, folder) == f"--restart: this driver needs {needs}; {advice}"
    by_variable = load_error({}, {"SIDECAR_RESTART": driver}, folder)
    assert by_variable == f"SIDECAR_RESTART: this driver needs {needs}; {advice}"
    write_toml(folder, f'restart = "{driver}"')
    assert f"sidecar.toml: restart: this driver needs {needs}; {advice}" in load_error({}, {}, folder)


def test_a_workload_is_needed_to_restart_one(folder: Path) -> None:
    said = load_error({"restart": "kubernetes", "kubernetes.mode": "workload"}, {}, folder)
    assert said == (
        "--restart: this driver needs kubernetes.workload; "
        "set --kubernetes-workload KIND/NAME (SIDECAR_KUBERNETES_WORKLOAD)"
    )


def test_pid_file_and_pattern_exclude_each_other(folder: Path) -> None:
    flags: Flags = {"restart": "signal", "signal.pattern": "a.jar"}
    said = load_error(flags, {"SIDECAR_SIGNAL_PID_FILE": "/run/a.pid"}, folder)
    assert "--signal-pattern" in said
    assert "SIDECAR_SIGNAL_PID_FILE" in said
    assert "set one of them" in said


@pytest.mark.parametrize(
    "driver", ["signal", "endpoint", "docker", "kubernetes", "systemd", "command", "itself", "none"]
)
def test_only_the_child_driver_takes_a_command(folder: Path, driver: str) -> None:
    said = load_error({"restart": driver, "command": ["java"]}, {}, folder)
    assert f"--restart: {driver} is for a process that something else launches" in said
    assert "leave one of them out" in said


@pytest.mark.parametrize(
    ("key", "bad", "said"),
    [
        ("restart", "pm2", "'pm2' is not one of child, signal, endpoint"),
        ("restart_timeout", "0", "'0' is not a number of seconds from 1"),
        ("start_timeout", "soon", "'soon' is not a number of seconds from"),
        ("restart_command", "svc 'restart", "cannot be split into words"),
        ("restart_command", " ", "names no command"),
        ("signal.pattern", "(", "'(' is not a regular expression"),
        ("signal.pattern", ".*", "matches every process; write a part of its command line"),
        ("signal.signal", "TERMINATE", "'TERMINATE' is not a signal, such as TERM or HUP"),
        ("signal.signal", "0", "'0' is not a signal"),
        ("endpoint.url", "127.0.0.1:9100", "is not a URL, such as http://127.0.0.1:9100/hot-reload"),
        ("endpoint.url", "http://[::1/x", "is not a URL"),
        ("endpoint.url", "http://h:99999/x", "is not a URL"),
        ("endpoint.url", "http://fed:9100/hot-reload", "would send the token in the clear"),
        ("endpoint.status", "ftp://127.0.0.1/", "is not a URL"),
        ("docker.container", "a b", "'a b' is not one word"),
        ("docker.host", "/var/run/docker.sock", "is not an engine, such as unix:///var/run/docker.sock"),
        ("kubernetes.mode", "node", "'node' is not one of container, pod, workload"),
        ("kubernetes.workload", "fed", "and a name, such as statefulset/fed"),
        ("kubernetes.workload", "job/fed", "and a name, such as statefulset/fed"),
        ("systemd.unit", "", "is not text"),
        ("systemd.scope", "root", "'root' is not one of system, user"),
    ],
)
def test_an_invalid_value_is_reported_with_source_and_correction(
    folder: Path, key: str, bad: str, said: str
) -> None:
    setting = next(setting for setting in ALL_SETTINGS if setting.key == key)
    by_flag = load_error({key: bad}, {}, folder)
    assert by_flag.startswith(f"{setting.flag}: ")
    assert said in by_flag
    if bad:  # an empty variable counts as not set
        assert load_error({}, {setting.variable: bad}, folder).startswith(f"{setting.variable}: ")


def test_a_password_in_an_url_is_not_repeated(folder: Path) -> None:
    said = load_error({"endpoint.url": "https://me:hush@fed/hot-reload"}, {}, folder)
    assert "contains a user name or password" in said
    assert "hush" not in said


def test_all_problems_are_reported_at_once(folder: Path) -> None:
    said = load_error({"restart": "endpoint", "restart_timeout": "0", "command": ["java"]}, {}, folder)
    assert len(said.splitlines()) == 3


@pytest.mark.parametrize(
    "flags",
    [
        {"restart": "signal", "signal.pattern": "a.jar"},
        {"restart": "docker", "docker.container": "a"},
        {"restart": "systemd", "systemd.unit": "a"},
        {"restart": "kubernetes", "signal.pattern": "a.jar"},
    ],
)
def test_restart_timeout_must_leave_time_for_sigkill(folder: Path, flags: Flags) -> None:
    said = load_error({**flags, "stop_timeout": "60"}, {}, folder)
    assert "60 s are too short for a stop_timeout of 60 s" in said
    assert "set it to 65 or more" in said
    load({**flags, "stop_timeout": "60", "restart_timeout": "65"}, {}, folder)


@pytest.mark.parametrize(
    "flags",
    [
        {"restart": "signal", "signal.pattern": "a.jar", "signal.signal": "hup"},
        {"restart": "kubernetes", "kubernetes.mode": "pod"},
        {"command": ["java"]},
    ],
)
def test_restart_timeout_may_be_short_without_sigkill(folder: Path, flags: Flags) -> None:
    load({**flags, "stop_timeout": "60"}, {}, folder)
