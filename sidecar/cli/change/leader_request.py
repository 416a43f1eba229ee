"""Send the leader a request, and wait until it is handled or refused."""

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

from sidecar.cli.change.pending_request import PendingRequest
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import Parser, add_network_settings, seconds
from sidecar.cli.shared.snapshot import Snapshot, read_snapshot, require_canonical, run_with_store
from sidecar.domain.errors import ExitCode, Refused, Transient
from sidecar.domain.printing import printable
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.requests import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.servers import ServerUrl
from sidecar.ports import Store

DEFAULT_TIMEOUT = 30.0
NO_LEADER = "there was no leader"

# Requests that may change the list of servers; their result names the new version.
_CHANGES_THE_LIST = {RequestKind.REMOVE, RequestKind.READMIT, RequestKind.APPROVE, RequestKind.ROLLBACK}


@dataclass(frozen=True, slots=True)
class Intent:
    """What an operator wants. ``subject`` is empty if it concerns no particular node.

    ``servers`` and ``subject`` are those of the `Request`; ``phrase`` is the whole in a message, after
    "cannot" and "asked to": ``remove fed-3``.
    """

    kind: RequestKind
    phrase: str
    subject: str = ""
    servers: tuple[ServerUrl, ...] = ()


IntentBuilder = Callable[[Store, Keys, Snapshot], Awaitable[Intent]]


def request_for_node(
    command: str, description: str, epilog: str, argv: Sequence[str], context: CommandContext, *,
    subject: str = "NODEID|URL", has_reason: bool = True,
) -> int:  # fmt: skip
    """Run a command that concerns one node: ``sidecar remove``, ``sidecar rollout skip``.

    The last word of ``command`` is the kind of request. ``has_reason``: whether it takes ``--reason``.
    """
    name = command.rpartition(" ")[2]
    parser = request_parser(command, f"{subject} [OPTION]…", description, epilog, has_reason=has_reason)
    parser.add_argument("subject", type=_parse_subject, metavar=subject, help=argparse.SUPPRESS)
    arguments = parser.parse(argv)
    return request_change(
        Intent(RequestKind(name), f"{name} {arguments.subject}", arguments.subject), arguments, context
    )


def request_parser(
    command: str, arguments: str, description: str, epilog: str, *, has_reason: bool = True
) -> Parser:
    """The parser of a command that sends a request, with the options that `request_change` needs."""
    parser = Parser(command, arguments, description, epilog)
    if has_reason:
        parser.add_argument(
            "--reason", type=utf8_text, default="", metavar="TEXT", help="reason, shown to other operators"
        )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=DEFAULT_TIMEOUT,
        metavar="SECONDS",
        help="time to wait for the leader (default: 30)",
    )
    parser.add_argument("--no-wait", action="store_true", help="send the request and return")
    add_network_settings(parser)
    return parser


def request_change(
    intent: Intent | IntentBuilder, arguments: argparse.Namespace, context: CommandContext
) -> int:
    """Request ``intent``, or the one that its builder makes of the snapshot; return the exit code."""
    return run_with_store(
        arguments, context, partial(_request_change, intent=intent, arguments=arguments, context=context)
    )


def _parse_subject(text: str) -> str:
    # A script may have forgotten to set a variable; a pause without a subject pauses the whole rollout.
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; name a node")
    return utf8_text(text)


def utf8_text(text: str) -> str:
    """Return ``text`` if etcd can store it; an argument may hold any bytes."""
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise argparse.ArgumentTypeError(f"{text!a} is not UTF-8; rewrite it") from exc
    return text


async def _request_change(
    store: Store,
    keys: Keys,
    *,
    intent: Intent | IntentBuilder,
    arguments: argparse.Namespace,
    context: CommandContext,
) -> int:
    snapshot = await read_snapshot(store, keys)
    require_canonical(snapshot)
    if not isinstance(intent, Intent):
        intent = await intent(store, keys, snapshot)
    now = time.time()
    # Names sort by time; the random part keeps two in one millisecond apart.
    name = f"{int(now * 1000):014d}-{secrets.token_hex(4)}"
    reason = getattr(arguments, "reason", "")
    request = Request(
        intent.kind, intent.subject, operator_name(context.environ), now, name, reason, servers=intent.servers
    )  # fmt: skip
    pending = PendingRequest(store, keys.request(name))
    await pending.submit(request)
    if arguments.no_wait:
        context.out.write(f"asked to {printable(intent.phrase)}; {_acknowledgement(snapshot)}\n")
        return ExitCode.OK
    outcome = await pending.wait(arguments.timeout)
    if outcome is None:
        raise Transient(await _timeout_message(store, keys, intent, arguments.timeout))
    if outcome.kind is OutcomeKind.REFUSED:
        raise Refused(f"cannot {intent.phrase}: {outcome.reason}")
    message = printable(outcome.reason)
    if intent.kind in _CHANGES_THE_LIST:
        message += f"; {await _describe_new_version(store, keys, outcome)}"
    context.out.write(f"{message}\n")
    return ExitCode.OK


async def _timeout_message(store: Store, keys: Keys, intent: Intent, waited: float) -> str:
    leadership = (await read_snapshot(store, keys)).leadership
    silent = f"the leader, {leadership.candidate.node_id}, did not answer" if leadership else NO_LEADER
    after = f"{silent} within {waited:g} s"
    return f"{after}; the request to {intent.phrase} was cancelled, nothing has changed"


def _acknowledgement(snapshot: Snapshot) -> str:
    if snapshot.leadership:
        return f"the leader is {snapshot.leadership.candidate.node_id}"
    return "there is no leader; the request will be handled once one is elected"


async def _describe_new_version(store: Store, keys: Keys, outcome: Outcome) -> str:
    canonical = (await read_snapshot(store, keys)).network.canonical
    if canonical is None:  # etcd was emptied at this moment
        return f"version {outcome.version}"
    count = len(canonical.servers)
    return f"version {canonical.version} has {count} server{'' if count == 1 else 's'}"


def operator_name(environ: Mapping[str, str]) -> str:
    """The operator as records name them: ``ann@host``."""
    user = environ.get("SUDO_USER") or environ.get("USER") or _account()
    return f"{user}@{socket.gethostname()}".encode(errors="replace").decode()


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number without a name
        return f"uid-{os.getuid()}"
