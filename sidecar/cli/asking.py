"""Asking the leader for something, and waiting until it has done it, or has said no."""

from __future__ import annotations

import argparse
import os
import pwd
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from functools import partial

from sidecar.cli.errand import Errand
from sidecar.cli.operator import Sight, at_work, list_of, look
from sidecar.cli.parsing import Parser, add_settings, seconds
from sidecar.cli.world import World
from sidecar.domain.errors import ExitCode, Refused, Transient
from sidecar.domain.keys import Keys
from sidecar.domain.membership import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.wording import printable
from sidecar.ports import Store

PATIENCE = 30.0
NO_LEADER = "nobody led the network"


def ask_leader(kind: RequestKind, description: str, epilog: str, argv: Sequence[str], world: World) -> int:
    """Do all of ``sidecar remove`` or ``sidecar readmit``."""
    parser = Parser(kind.value, "NODEID|URL [OPTION]…", description, epilog)
    parser.add_argument("subject", metavar="NODEID|URL", help=argparse.SUPPRESS)
    parser.add_argument("--reason", default="", metavar="TEXT", help="kept with it, for others")
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=PATIENCE,
        metavar="SECONDS",
        help="to wait, before it is withdrawn (30)",
    )
    parser.add_argument("--no-wait", action="store_true", help="ask, and leave it to the leader")
    add_settings(parser)
    parser.set_defaults(kind=kind)
    asked = parser.parse(argv)
    return at_work(asked, world, partial(_ask, asked=asked, world=world))


async def _ask(store: Store, keys: Keys, *, asked: argparse.Namespace, world: World) -> int:
    kind: RequestKind = asked.kind
    sight = await look(store, keys)
    list_of(sight)
    now = time.time()
    # Sorts by time, and two operators in one millisecond do not meet.
    name = f"{int(now * 1000):014d}-{secrets.token_hex(4)}"
    request = Request(kind, asked.subject, _who(world.environ), now, name, asked.reason)
    errand = Errand(store, keys.request(name))
    await errand.submit(request)
    if asked.no_wait:
        world.out.write(f"asked to {kind.value} {asked.subject}; {_who_will(sight)}\n")
        return ExitCode.OK
    outcome = await errand.outcome(asked.timeout)
    if outcome is None:
        raise Transient(await _nobody_answered(store, keys, asked))
    if outcome.kind is OutcomeKind.REFUSED:
        raise Refused(f"cannot {kind.value} {asked.subject}: {outcome.reason}")
    world.out.write(f"{printable(outcome.reason)}; {await _new_list(store, keys, outcome)}\n")
    return ExitCode.OK


async def _nobody_answered(store: Store, keys: Keys, asked: argparse.Namespace) -> str:
    leadership = (await look(store, keys)).leadership
    who = f"the leader, {leadership.candidate.node_id}, did not answer" if leadership else NO_LEADER
    after = f"{who} within {asked.timeout:g} s"
    return f"{after}; the request to {asked.kind.value} {asked.subject} was withdrawn, nothing has changed"


def _who_will(sight: Sight) -> str:
    if sight.leadership:
        return f"the leader, {sight.leadership.candidate.node_id}, has been told"
    return "nobody leads now, so it will be done when a server does"


async def _new_list(store: Store, keys: Keys, outcome: Outcome) -> str:
    canonical = (await look(store, keys)).network.canonical
    if canonical is None:  # somebody has emptied etcd in this moment
        return f"version {outcome.version}"
    count = len(canonical.servers)
    return f"version {canonical.version} has {count} server{'' if count == 1 else 's'}"


def _who(environ: Mapping[str, str]) -> str:
    user = environ.get("SUDO_USER") or environ.get("USER") or _account()
    return f"{user}@{socket.gethostname()}"


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number without a name
        return f"uid-{os.getuid()}"
