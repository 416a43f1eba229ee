"""Checking the settings of etcd against each other: certificates that exist, a user with one password."""

from __future__ import annotations

from pathlib import Path

from sidecar.config.reading import Reading
from sidecar.config.secret_files import find_read_problem, load_secret


def check_etcd(reading: Reading) -> str | None:
    """Return the password; what is wrong joins ``reading.problems``."""
    _check_tls(reading)
    password = _password(reading)
    _check_user(reading, password)
    return password


def _check_tls(reading: Reading) -> None:
    given = [key for key in ("tls.ca", "tls.cert", "tls.key") if reading.values[key]]
    for key in given:
        trouble = find_read_problem(reading.values[key])
        if trouble:
            reading.problems.append(f"{reading.source(key)}: {trouble}")
    for one, other in (("tls.cert", "tls.key"), ("tls.key", "tls.cert")):
        if one in given and other not in reading.found:
            reading.problems.append(f"{reading.source(one)}: needs {other} too, which is not set")
    # A person who names certificates believes that the connection is encrypted.
    unencrypted = [url for url in reading.values["etcd"] or () if url.startswith("http://")]
    if given and unencrypted:
        reading.problems.append(
            f"{reading.source(given[0])}: {given[0]} is set, but {unencrypted[0]} is not encrypted; "
            f"write https:// ({reading.source('etcd')})"
        )


def _password(reading: Reading) -> str | None:
    """Return the password: the setting, or what the file holds, whichever has the higher source."""
    text, file = reading.found.get("auth.password"), reading.found.get("auth.password_file")
    if text and file and text.precedence == file.precedence:
        reading.problems.append(f"{text.source} and {file.source}: set only one of them")
    path: Path | None = reading.values["auth.password_file"]
    if path is None or file is None or (text and text.precedence > file.precedence):
        password: str | None = reading.values["auth.password"]
        return password
    return load_secret(reading, "auth.password_file", "the password")


def _check_user(reading: Reading, password: str | None) -> None:
    user = reading.found.get("auth.user")
    secret = reading.found.get("auth.password_file") or reading.found.get("auth.password")
    if user and not secret:
        reading.problems.append(
            f"{user.source}: a user needs a password: --password-file, SIDECAR_AUTH_PASSWORD, "
            "or password in [auth]"
        )
    if secret and password and not user:
        reading.problems.append(f"{secret.source}: a password needs a user: --user or user in [auth]")
