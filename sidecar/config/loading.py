"""`load` and `load_network`: the only ways to get settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sidecar.config.etcd_loading import check_etcd
from sidecar.config.filling import fill
from sidecar.config.reading import Reading, read
from sidecar.config.restart_loading import load_restart
from sidecar.config.restart_modes import NoRestart
from sidecar.config.secret_files import load_join_token
from sidecar.config.settings import (
    EtcdSettings,
    HealthSettings,
    LogSettings,
    MembershipSettings,
    NetworkSettings,
    NodeSettings,
    ProcessSettings,
    Settings,
)
from sidecar.config.table import ADMIN_API, ALL_SETTINGS, NETWORK_SETTINGS
from sidecar.config.values import Address
from sidecar.domain.documents.document import role_of
from sidecar.domain.identity import Role

DEFAULT_FILE_NAMES = {Role.FEDERATED: "federated.json", Role.DATABASE: "config.json"}


def load(
    flags: Mapping[str, object], environ: Mapping[str, str], folder: Path, *, manages_process: bool = True
) -> Settings:
    """Return the settings of ``sidecar run``, started in ``folder``; a gate manages no process.

    ``flags`` is keyed like the table (and ``config``), None for what was not given. Raises
    `BadConfiguration` that names everything that is wrong, and where it came from.
    """
    reading = read(ALL_SETTINGS, flags, environ, folder)
    password = check_etcd(reading)
    file = _find_file(reading, folder)
    role = _find_role(reading, file)
    state_dir = reading.values["state_dir"] or file.parent / ".sidecar"
    restart = load_restart(reading, state_dir) if manages_process else NoRestart()
    join_token = load_join_token(reading)
    reading.finish()
    values = reading.values
    return fill(
        Settings,
        values,
        etcd=fill(EtcdSettings, values, password=password),
        logging=fill(LogSettings, values),
        node=fill(NodeSettings, values, file=file, role=role, state_dir=state_dir),
        membership=fill(MembershipSettings, values, join_token=join_token),
        process=fill(ProcessSettings, values, restart=restart),
        health=fill(HealthSettings, values),
    )


def load_network(flags: Mapping[str, object], environ: Mapping[str, str], folder: Path) -> NetworkSettings:
    """Return the settings of every other command; those of ``sidecar run`` alone are ignored."""
    reading = read(NETWORK_SETTINGS, flags, environ, folder)
    password = check_etcd(reading)
    reading.finish()
    values = reading.values
    etcd = fill(EtcdSettings, values, password=password)
    return fill(NetworkSettings, values, etcd=etcd, logging=fill(LogSettings, values))


def load_admin(flags: Mapping[str, object], environ: Mapping[str, str], folder: Path) -> Address | None:
    """Return the address of the admin API; None if it is off."""
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
        what = f"both {' and '.join(names)} are" if there else f"neither {' nor '.join(names)} is"
        if len(names) == 1:
            what = f"{names[0]} is not"
        reading.problems.append(
            f"file: {what} in {folder.absolute()}; name the file with --file PATH (or SIDECAR_FILE)"
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
            f"role: cannot be derived from the name {file.name}; "
            "set --role federated or --role database (or SIDECAR_ROLE)"
        )
    return Role.FEDERATED
