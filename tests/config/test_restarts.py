"""How to restart: which driver, what each needs, and what is said where that is missing."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from sidecar.config import load
from sidecar.config.restarts import (
    ChildRestart,
    CommandRestart,
    DockerRestart,
    EndpointRestart,
    KubernetesMode,
    KubernetesRestart,
    NoRestart,
    Restart,
    SelfRestart,
    SignalRestart,
    SystemdRestart,
    SystemdScope,
)
from tests.config.folder import Flags, refusal


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, NoRestart()),
        ({"command": ("java",)}, ChildRestart(("java",))),
        ({"restart": "child", "command": ("java",)}, ChildRestart(("java",))),
        ({"restart": "itself"}, SelfRestart()),
        (
            {"restart": "signal", "signal.pattern": "java"},
            SignalRestart(None, "java", signal.SIGTERM),
        ),
        (
            {"restart": "docker", "docker.container": "fed-1", "docker.host": "tcp://10.0.0.1:2376"},
            DockerRestart("fed-1", "tcp://10.0.0.1:2376"),
        ),
        (
            {"restart": "kubernetes", "signal.pattern": "java", "signal.signal": "sighup"},
            KubernetesRestart(
                KubernetesMode.CONTAINER, SignalRestart(None, "java", signal.SIGHUP), None, None, None
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
                "kubernetes.namespace": "blue",
            },
            KubernetesRestart(KubernetesMode.WORKLOAD, None, ("statefulsets", "fed"), "blue", None),
        ),
        (
            {"restart": "systemd", "systemd.unit": "fed.service", "systemd.scope": "user"},
            SystemdRestart("fed.service", SystemdScope.USER),
        ),
        (
            {"restart": "command", "restart_command": "./again 'now or never'"},
            CommandRestart(("./again", "now or never")),
        ),
    ],
)
def test_each_driver_has_what_it_needs(flags: Flags, expected: Restart, folder: Path) -> None:
    assert load(flags, {}, folder).restart == expected


def test_the_endpoint_is_also_asked_how_it_is_and_its_token_is_in_the_state_folder(folder: Path) -> None:
    url = "http://127.0.0.1:9100/hot-reload"

    settings = load({"restart": "endpoint", "endpoint.url": url}, {}, folder)

    assert settings.restart == EndpointRestart(url, url, folder / ".sidecar" / "hot-reload.token")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"restart": "child"}, "--restart: this driver needs command; write it behind --"),
        ({"restart": "signal"}, "set --signal-pattern REGEX or --signal-pid-file FILE"),
        ({"restart": "endpoint"}, "set --endpoint-url URL (SIDECAR_ENDPOINT_URL)"),
        ({"restart": "docker"}, "set --docker-container NAME (SIDECAR_DOCKER_CONTAINER)"),
        ({"restart": "kubernetes"}, "this driver needs signal.pattern"),
        (
            {"restart": "kubernetes", "kubernetes.mode": "workload"},
            "set --kubernetes-workload KIND/NAME (SIDECAR_KUBERNETES_WORKLOAD)",
        ),
        ({"restart": "systemd"}, "set --systemd-unit UNIT (SIDECAR_SYSTEMD_UNIT)"),
        ({"restart": "command"}, "set --restart-command COMMAND (SIDECAR_RESTART_COMMAND)"),
        ({"restart": "magic"}, "'magic' is not one of child, signal, endpoint"),
    ],
)
def test_what_a_driver_lacks_is_named_with_what_to_do(flags: Flags, said: str, folder: Path) -> None:
    assert said in refusal(flags, {}, folder)


def test_a_command_and_another_launcher_are_one_too_many(folder: Path) -> None:
    flags: Flags = {"restart": "docker", "docker.container": "fed-1", "command": ("java",)}

    said = refusal(flags, {}, folder)

    assert "docker is for a process that something else launches, but the command gives one to launch" in said


def test_a_process_is_found_in_one_way(folder: Path) -> None:
    flags: Flags = {"restart": "signal", "signal.pattern": "java"}

    said = refusal(flags, {"SIDECAR_SIGNAL_PID_FILE": "x.pid"}, folder)

    assert said == "SIDECAR_SIGNAL_PID_FILE and --signal-pattern: each finds the process; set one of them"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("signal.pattern", "java(", "is not a regular expression"),
        ("signal.pattern", ".*", "finds every process"),
        ("signal.signal", "NONSENSE", "is not a signal, such as TERM or HUP"),
        ("endpoint.url", "http://10.0.0.5/reload", "would send the token in the clear"),
        ("endpoint.url", "http://me:hunter2@localhost/x", "carries a user name or password"),
        ("endpoint.url", "localhost:9100", "is not an URL"),
        ("docker.host", "/var/run/docker.sock", "is not an engine"),
        ("docker.container", "two words", "is not one word"),
        ("kubernetes.workload", "fed", "and a name, such as statefulset/fed"),
        ("kubernetes.workload", "cronjob/fed", "and a name, such as statefulset/fed"),
        ("restart_timeout", "0", "is not a number of seconds from 1"),
        ("systemd.scope", "global", "is not one of system, user"),
    ],
)
def test_a_wrong_value_is_told_with_what_would_be_right(
    key: str, value: str, said: str, folder: Path
) -> None:
    found = refusal({key: value}, {}, folder)

    assert said in found
    assert "hunter2" not in found


def test_a_gate_looks_at_no_driver(folder: Path) -> None:
    flags: Flags = {"restart": "docker", "command": ("java",)}

    assert load(flags, {}, folder, attends=False).restart == NoRestart()
