"""``sidecar check``: validates configuration files, offline."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from sidecar.adapters.files.durable import read_regular
from sidecar.adapters.files.os_errors import as_bad_file
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import Parser
from sidecar.domain.documents.document import MAX_BYTES, Document, role_of
from sidecar.domain.errors import BadFile, ExitCode, Problem
from sidecar.domain.identity import Role
from sidecar.domain.printing import printable

DESCRIPTION = """\
Validates configuration files without etcd, and prints every error as
path:line:column: /pointer: what is wrong; what to do"""
EPILOG = """\
Exits with 0 if every file is valid, with 65 if one is not.

example:
  sidecar check federated.json /etc/db/config.json"""


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("check", "[--role federated|database] FILE…", DESCRIPTION, EPILOG)
    parser.add_argument(
        "--role",
        choices=[role.value for role in Role],
        metavar="ROLE",
        help="federated or database (default: by the name: federated*.json, config*.json)",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="file to validate")
    arguments = parser.parse(argv)
    role = None if arguments.role is None else Role(arguments.role)
    return check([context.folder / name for name in arguments.files], role, context.out)


def check(files: Sequence[Path], role: Role | None, out: TextIO | None = None) -> int:
    """Print the errors of each of ``files``, or that it is ok; return the exit code."""
    code = ExitCode.OK
    for path in files:
        try:
            _check(path, role)
        except BadFile as exc:
            code = ExitCode.BAD_FILE
            print(*map(printable, str(exc).splitlines()), sep="\n", file=out or sys.stdout)
        else:
            print(printable(f"{path}: ok"), file=out or sys.stdout)
    return code


def _check(path: Path, role: Role | None) -> None:
    try:
        data = read_regular(path, MAX_BYTES + 1)
    except OSError as exc:
        raise as_bad_file(path, exc, "read", is_argument=True) from exc
    role = role or role_of(path.name)
    if role is None:
        what = "its name does not show its role"
        hint = "add --role federated or --role database"
        raise BadFile(str(path), (Problem("", what, hint),))
    Document.parse(data, source=str(path), role=role)
