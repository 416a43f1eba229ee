"""The part of the table of settings that is about restarts: the driver, and what each driver needs."""

from __future__ import annotations

from sidecar.config import values
from sidecar.config.restart_modes import KubernetesMode, RestartDriver, SystemdScope
from sidecar.config.setting import Setting, SettingGroup

RESTARTS = SettingGroup(
    "restarts",
    (
        Setting(
            "restart",
            values.choice(RestartDriver),
            "DRIVER",
            "child, signal, endpoint, docker, kubernetes, systemd, command, itself or none",
            derived_default="child with a COMMAND, none without",
        ),
        Setting("restart_timeout", values.seconds(1), "SECONDS", "timeout of a restart", "60"),
    ),
)

# What each driver needs, for a process that the sidecar does not launch.
DRIVERS = (
    SettingGroup(
        "restarts with --restart command",
        (Setting("restart_command", values.command, "COMMAND", "command that restarts the process"),),
    ),
    SettingGroup(
        "restarts with --restart signal (or kubernetes, mode container)",
        (
            Setting("signal.pattern", values.pattern, "REGEX", "pattern of the process's command line"),
            Setting("signal.pid_file", values.path, "FILE", "file with the PID of the process"),
            Setting(
                "signal.signal",
                values.signum,
                "NAME",
                "signal to send; after HUP, USR1 or USR2 the process is expected to keep running",
                "TERM",
                flag_override="--signal",
            ),
        ),
    ),
    SettingGroup(
        "restarts with --restart endpoint",
        (
            Setting("endpoint.url", values.endpoint, "URL", "URL for the POST that restarts the process"),
            Setting(
                "endpoint.status",
                values.endpoint,
                "URL",
                "URL for the GET that returns its status",
                derived_default="the same URL",
            ),
            Setting(
                "endpoint.token_file",
                values.path,
                "FILE",
                "file with the token to send",
                derived_default="hot-reload.token in the state directory",
            ),
        ),
    ),
    SettingGroup(
        "restarts with --restart docker",
        (
            Setting("docker.container", values.word, "NAME", "name or ID of the container"),
            Setting(
                "docker.host",
                values.docker_host,
                "URL",
                "URL of the Docker engine",
                derived_default="DOCKER_HOST, or its usual socket",
            ),
        ),
    ),
    SettingGroup(
        "restarts with --restart kubernetes",
        (
            Setting(
                "kubernetes.mode",
                values.choice(KubernetesMode),
                "MODE",
                "what to restart: container, pod or workload",
                "container",
            ),
            Setting("kubernetes.workload", values.workload, "KIND/NAME", "workload, as in statefulset/fed"),
            Setting(
                "kubernetes.namespace",
                values.word,
                "NAME",
                "namespace of the pod",
                derived_default="that of the service account",
            ),
            Setting(
                "kubernetes.pod", values.word, "NAME", "name of the pod", derived_default="the host name"
            ),
        ),
    ),
    SettingGroup(
        "restarts with --restart systemd",
        (
            Setting("systemd.unit", values.word, "UNIT", "unit to restart, as in federated.service"),
            Setting("systemd.scope", values.choice(SystemdScope), "SCOPE", "system or user", "system"),
        ),
    ),
)
