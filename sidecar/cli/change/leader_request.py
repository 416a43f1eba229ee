"""Asking the leader for something, and waiting until it has done it, or has said no."""

from __future__ import annotations

import argparse
import os
import pwd
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sidecar.cli.change.pending_request import Errand
from sidecar.cli.shared.context import World
from sidecar.cli.shared.parser import Parser, add_settings, seconds
from sidecar.cli.shared.snapshot import Sight, at_work, list_of, look
from sidecar.domain.errors import ExitCode, Refused, Transient
from sidecar.domain.printing import printable
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.servers import ServerUrl
from sidecar.ports import Store

PATIENCE = 30.0
NO_LEADER = "nobody led the network"

# What may change the list of servers; the new version is told with the answer.
_OF_THE_LIST = {RequestKind.REMOVE, RequestKind.READMIT, RequestKind.APPROVE, RequestKind.ROLLBACK}


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator wants of the leader. ``subject`` is empty where it is about nobody in particular.

    ``servers`` and ``subject`` are those of the `Request`; ``phrase`` is the whole as people say it, behind
    "cannot" and "asked to": ``remove fed-3``.
    """

    kind: RequestKind
    phrase: str
    subject: str = ""
    servers: tuple[ServerUrl, ...] = ()


Wishing = Callable[[Store, Keys, Sight], Awaitable[Wish]]


def ask_about_node(
    verb: str, description: str, epilog: str, argv: Sequence[str], world: World, *,
    subject: str = "NODEID|URL", keeps_reason: bool = True,
) -> int:  # fmt: skip
    """Do all of a verb that is about one node: ``sidecar remove``, ``sidecar rollout skip``.

    The verb's last word is what is asked. ``keeps_reason``: whether the network keeps why it was.
    """
    name = verb.rpartition(" ")[2]
    parser = asking_parser(verb, f"{subject} [OPTION]…", description, epilog, keeps_reason=keeps_reason)
    parser.add_argument("subject", type=_subject, metavar=subject, help=argparse.SUPPRESS)
    asked = parser.parse(argv)
    return ask(Wish(RequestKind(name), f"{name} {asked.subject}", asked.subject), asked, world)


def asking_parser(
    verb: str, arguments: str, description: str, epilog: str, *, keeps_reason: bool = True
) -> Parser:
    """The parser of a verb that asks the leader, with the options that `ask` needs."""
    parser = Parser(verb, arguments, description, epilog)
    if keeps_reason:
        parser.add_argument(
            "--reason", type=words, default="", metavar="TEXT", help="kept with it, for others"
        )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=PATIENCE,
        metavar="SECONDS",
        help="to wait, before it is withdrawn (30)",
    )
    parser.add_argument("--no-wait", action="store_true", help="ask, and leave it to the leader")
    add_settings(parser)
    return parser


def ask(wish: Wish | Wishing, asked: argparse.Namespace, world: World) -> int:
    """Ask the leader for ``wish``, or for what it makes of what is in etcd; return the exit code."""
    return at_work(asked, world, partial(_ask, wish=wish, asked=asked, world=world))


def _subject(text: str) -> str:
    # A variable that a script forgot to set; without a subject, a pause would be one of the whole rollout.
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; name a node")
    return words(text)


def words(text: str) -> str:
    """What etcd is to keep of the command line, where anything may stand."""
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise argparse.ArgumentTypeError(f"{text!a} is not UTF-8; write it anew") from exc
    return text


async def _ask(
    store: Store, keys: Keys, *, wish: Wish | Wishing, asked: argparse.Namespace, world: World
) -> int:
    sight = await look(store, keys)
    list_of(sight)
    if not isinstance(wish, Wish):
        wish = await wish(store, keys, sight)
    now = time.time()
    # Sorts by time, and two operators in one millisecond do not meet.
    name = f"{int(now * 1000):014d}-{secrets.token_hex(4)}"
    reason = getattr(asked, "reason", "")
    request = Request(
        wish.kind, wish.subject, who(world.environ), now, name, reason, servers=wish.servers
    )  # fmt: skip
    errand = Errand(store, keys.request(name))
    await errand.submit(request)
    if asked.no_wait:
        world.out.write(f"asked to {printable(wish.phrase)}; {_who_will(sight)}\n")
        return ExitCode.OK
    outcome = await errand.outcome(asked.timeout)
    if outcome is None:
        raise Transient(await _nobody_answered(store, keys, wish, asked.timeout))
    if outcome.kind is OutcomeKind.REFUSED:
        raise Refused(f"cannot {wish.phrase}: {outcome.reason}")
    told = printable(outcome.reason)
    if wish.kind in _OF_THE_LIST:
        told += f"; {await _new_list(store, keys, outcome)}"
    world.out.write(f"{told}\n")
    return ExitCode.OK


async def _nobody_answered(store: Store, keys: Keys, wish: Wish, patience: float) -> str:
    leadership = (await look(store, keys)).leadership
    silent = f"the leader, {leadership.candidate.node_id}, did not answer" if leadership else NO_LEADER
    after = f"{silent} within {patience:g} s"
    return f"{after}; the request to {wish.phrase} was withdrawn, nothing has changed"


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


def who(environ: Mapping[str, str]) -> str:
    """The operator, as records name him: ``ann@desk``."""
    user = environ.get("SUDO_USER") or environ.get("USER") or _account()
    return f"{user}@{socket.gethostname()}".encode(errors="replace").decode()


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number without a name
        return f"uid-{os.getuid()}"
