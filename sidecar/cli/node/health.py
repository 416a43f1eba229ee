"""``sidecar health``: checks the sidecar on this machine, for health checks of containers."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence

from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import Parser, add_config_option, add_settings, flags_of
from sidecar.config import load_admin
from sidecar.config.table import ADMIN_API
from sidecar.config.values import Address
from sidecar.domain.errors import BadConfiguration, ExitCode
from sidecar.domain.printing import printable

DESCRIPTION = """\
Checks the sidecar on this machine through its admin API: livez (it runs),
startupz (it has checked the file), readyz (the file is up to date)."""
EPILOG = """\
Exits with 0 if the answer is yes, with 1 if it is no or there is no answer.

example:
  sidecar health startupz"""
PROBES = ("livez", "readyz", "startupz")
REQUEST_TIMEOUT = 5.0
LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - an address to connect to, not to listen on


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("health", "[OPTION]… [livez|readyz|startupz]", DESCRIPTION, EPILOG)
    parser.add_argument(
        "probe",
        nargs="?",
        choices=PROBES,
        default="livez",
        metavar="PROBE",
        help="check to run (default: livez)",
    )
    add_config_option(parser)
    add_settings(parser, (ADMIN_API,))
    arguments = parser.parse(argv)
    address = load_admin(flags_of(arguments), context.environ, context.folder)
    if address is None:
        raise BadConfiguration("the admin API is disabled (--admin off); set --admin HOST:PORT")
    healthy, message = _query(address, arguments.probe)
    print(f"{arguments.probe}: {message}", file=context.out)
    return ExitCode.OK if healthy else 1


def _query(address: Address, probe: str) -> tuple[bool, str]:
    connection = http.client.HTTPConnection(
        LOOPBACK_OF.get(address.host, address.host), address.port, timeout=REQUEST_TIMEOUT
    )
    try:
        # The API accepts only names of this machine as Host.
        connection.request("GET", f"/{probe}", headers={"Host": "localhost"})
        response = connection.getresponse()
        document = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as exc:
        return False, f"no answer from {address}: {exc}"
    finally:
        connection.close()
    if not isinstance(document, dict):
        return False, f"the program that answers at {address} is not a sidecar"
    healthy = response.status == http.client.OK
    reasons = document.get("reasons") or [document.get("error", f"HTTP {response.status}")]
    return healthy, "yes" if healthy else "no: " + printable("; ".join(map(str, reasons)))
