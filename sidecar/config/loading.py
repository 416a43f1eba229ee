"""`load` and `load_network`: the only ways to get settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sidecar.config.access import load_etcd_access
from sidecar.config.reading import Reading, read
from sidecar.config.restart_loading import load_restart
from sidecar.config.restart_modes import NoRestart
from sidecar.config.secret_files import load_join_token
from sidecar.config.settings import NetworkSettings, Settings
from sidecar.config.table import ADMIN_API, ALL_SETTINGS, NETWORK_SETTINGS
from sidecar.config.values import Address
from sidecar.domain.documents.document import role_of
from sidecar.domain.identity import Role

DEFAULT_FILE_NAMES = {Role.FEDERATED: "federated.json", Role.DATABASE: "config.json"}


def load(
    flags: Mapping[str, object], environ: Mapping[str, str], folder: Path, *, manages_process: bool = True
) -> Settings:
    """Return the settings of ``sidecar run``, started in ``folder``; those of a gate attend to no process.

    ``flags`` is keyed like the table (and ``config``), None for what was not given. Raises
    `BadConfiguration` that names everything that is wrong, and where it came from.
    """
    reading = read(ALL_SETTINGS, flags, environ, folder)
    access = load_etcd_access(reading)
    file = _find_file(reading, folder)
    role = _find_role(reading, file)
    state_dir = reading.values["state_dir"] or file.parent / ".sidecar"
    how = load_restart(reading, state_dir) if manages_process else NoRestart()
    token = load_join_token(reading)
    reading.finish()
    values = reading.values
    return Settings(
        access=access,
        network=values["network"],
        log_format=values["log_format"],
        log_level=values["log_level"],
        file=file,
        role=role,
        node_id=values["node_id"],
        url=values["url"],
        state_dir=state_dir,
        lease_ttl=values["lease_ttl"],
        stop_timeout=values["stop_timeout"],
        health=values["health"],
        health_interval=values["health_interval"],
        health_timeout=values["health_timeout"],
        health_threshold=values["health_threshold"],
        bootstrap=values["bootstrap"],
        on_removed=values["on_removed"],
        admin=values["admin"],
        seed=values["seed"],
        join_token=token,
        restart=how,
        restart_timeout=values["restart_timeout"],
        start_timeout=values["start_timeout"],
    )


def load_network(flags: Mapping[str, object], environ: Mapping[str, str], folder: Path) -> NetworkSettings:
    """Return the settings of every other command; those of ``sidecar run`` alone are not looked at."""
    reading = read(NETWORK_SETTINGS, flags, environ, folder)
    access = load_etcd_access(reading)
    reading.finish()
    values = reading.values
    return NetworkSettings(access, values["network"], values["log_format"], values["log_level"])


def load_admin(flags: Mapping[str, object], environ: Mapping[str, str], folder: Path) -> Address | None:
    """Return where the sidecar of these settings can be asked; None where that is off."""
    reading = read(ADMIN_API.settings, flags, environ, folder)
    reading.finish()
    address: Address | None = reading.values["admin"]
    return address


def _find_file(reading: Reading, folder: Path) -> Path:
    """Return the file that was named, else the one in ``folder`` with one of the usual names."""
    if "file" in reading.found:
        return Path(reading.values["file"] or "")
    role: Role | None = reading.values["role"]
    names = [DEFAULT_FILE_NAMES[role]] if role else list(DEFAULT_FILE_NAMES.values())
    there = [name for name in names if (folder / name).is_file()]
    if len(there) != 1:
        what = "both are" if there else "there is none"
        reading.problems.append(
            f"file: not given, and of {' and '.join(names)} {what} in {folder.absolute()}; "
            "name it with --file PATH (or SIDECAR_FILE)"
        )
    return folder / (there or names)[0]


def _find_role(reading: Reading, file: Path) -> Role:
    """Return the role that was set, else the one that goes with the file's name."""
    role: Role | None = reading.values["role"]
    if role:
        return role
    by_name = role_of(file.name)
    if by_name:
        return by_name
    if "role" not in reading.found and reading.values["file"]:
        reading.problems.append(
            f"role: cannot be told from the name {file.name}; "
            "say --role federated or --role database (or SIDECAR_ROLE)"
        )
    return Role.FEDERATED
