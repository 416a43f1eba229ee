"""``sidecar token``: join tokens, for a network whose policy requires them."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from functools import partial

from sidecar.cli.change.leader_request import operator_name
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.messages import no_list_message
from sidecar.cli.shared.output import print_json, print_table
from sidecar.cli.shared.parser import Parser, add_network_settings
from sidecar.cli.shared.snapshot import read_snapshot, run_with_store
from sidecar.cli.shared.subcommands import Subcommand, run_subcommand
from sidecar.domain.errors import ExitCode, Refused, StoreUnavailable
from sidecar.domain.records.encoding import encode
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.policy import Admission
from sidecar.domain.records.store import Compare, Delete, Put, Target, Transaction
from sidecar.domain.records.tokens import JoinToken, TokenRecord
from sidecar.domain.timestamps import format_timestamp
from sidecar.ports import Store

DESCRIPTION = """\
Manages join tokens. With the policy admission=token, a server is admitted if it
has one; it proves that without sending the token."""
EPILOG = """\
example:
  sidecar token create --ttl 1h > join.token"""

_CREATE = """\
Creates a join token and prints it, and nothing else; it is not shown again. A
new server needs it: `sidecar run --join-token-file FILE`."""
_CREATE_EXAMPLE = """\
example:
  sidecar token create --ttl 7d --uses 3 > join.token"""
_LIST = "Lists the join tokens, without their secrets; used up tokens are deleted."
_LIST_EXAMPLE = """\
example:
  sidecar token list --json | jq -r '.[] | select(.why_unusable) | .id'"""
_REVOKE = """\
Revokes a join token: no server can join with it. Servers that did stay members."""
_REVOKE_EXAMPLE = """\
example:
  sidecar token list && sidecar token revoke 3f9c02d1a7be"""

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,10})([smhd])")
_USES = re.compile(r"[1-9][0-9]{0,8}")
_MAX_TTL = 3650 * 86_400
_DEFAULT_TTL = 86_400.0


def main(argv: Sequence[str], context: CommandContext) -> int:
    return run_subcommand("token", _SUBCOMMANDS, DESCRIPTION, EPILOG, argv, context)


def _create(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("token create", "[OPTION]…", _CREATE, _CREATE_EXAMPLE)
    parser.add_argument(
        "--ttl",
        type=_ttl,
        default=_DEFAULT_TTL,
        metavar="TIME",
        help="time to live: 90s, 15m, 1h, 7d or never (default: 24h)",
    )
    parser.add_argument(
        "--uses", type=_uses, default=1, metavar="N", help="number of joins, or unlimited (default: 1)"
    )
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(
        arguments, context, partial(_create_token, ttl=arguments.ttl, uses=arguments.uses, context=context)
    )


def _ttl(text: str) -> float | None:
    """Seconds; None: it never expires."""
    if text == "never":
        return None
    found = _DURATION.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 15m, 1h, 7d or never")
    seconds = int(found[1]) * _UNITS[found[2]]
    if not 0 < seconds <= _MAX_TTL:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not between 1s and 3650d; for a longer time, write never"
        )
    return float(seconds)


def _uses(text: str) -> int | None:
    if text == "unlimited":
        return None
    if not _USES.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of joins from 1 nor unlimited")
    return int(text)


async def _create_token(
    store: Store, keys: Keys, *, ttl: float | None, uses: int | None, context: CommandContext
) -> int:
    token, now = JoinToken.new(), time.time()
    expires = None if ttl is None else now + ttl
    record = TokenRecord(token.secret, operator_name(context.environ), format_timestamp(now), expires, uses)
    key = keys.token(token.id)
    creation = Transaction((Compare.absent(key),), (Put(key, encode(record)),))
    if await store.commit(creation) is None:
        raise StoreUnavailable(f"another join token has the id {token.id}; try again")
    context.out.write(f"{token}\n")
    network = (await read_snapshot(store, keys)).network
    if network.canonical is None:
        print(f"sidecar: note: {no_list_message(keys)}", file=context.err)
    admission = network.policy.admission
    if admission is not Admission.TOKEN:
        note = f"the network does not require it: the policy is admission={admission.value}"
        hint = "to change that, `sidecar policy set admission=token`"
        print(f"sidecar: note: {note}; {hint}", file=context.err)
    return ExitCode.OK


def _list(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("token list", "[OPTION]…", _LIST, _LIST_EXAMPLE)
    parser.add_argument("--json", action="store_true", help="print JSON (null: never, or unlimited)")
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(arguments, context, partial(_list_tokens, as_json=arguments.json, context=context))


async def _list_tokens(store: Store, keys: Keys, *, as_json: bool, context: CommandContext) -> int:
    tokens = sorted(
        (await read_snapshot(store, keys)).network.membership.tokens.items(),
        key=lambda item: (item[1].at, item[0]),
    )
    now = time.time()
    if as_json:
        print_json(context.out, [_to_json(name, record, now) for name, record in tokens])
    elif not tokens:
        context.out.write(f"network {keys.network} has no join tokens; `sidecar token create` creates one\n")
    else:
        titles = ("ID", "BY", "AT", "EXPIRES", "USES LEFT", "STATE")
        print_table(context.out, titles, [_row(name, record, now) for name, record in tokens])
    return ExitCode.OK


def _row(name: str, record: TokenRecord, now: float) -> tuple[str, ...]:
    expires = _format_expiry(record.expires) or "never"
    uses = "unlimited" if record.uses_left is None else str(record.uses_left)
    return name, record.by, record.at, expires, uses, record.why_unusable(now) or "good"


def _format_expiry(expires: float | None) -> str | None:
    if expires is None:
        return None
    try:
        return format_timestamp(expires)
    except (ValueError, OverflowError, OSError):  # not a date: written by another program
        return f"{expires:g}"


def _to_json(name: str, record: TokenRecord, now: float) -> dict[str, object]:
    expires = _format_expiry(record.expires)
    document = {"id": name, "by": record.by, "at": record.at, "expires_at": expires}
    return document | {"uses_left": record.uses_left, "why_unusable": record.why_unusable(now)}


def _revoke(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("token revoke", "ID [OPTION]…", _REVOKE, _REVOKE_EXAMPLE)
    parser.add_argument("id", metavar="ID", help=argparse.SUPPRESS)
    add_network_settings(parser)
    arguments = parser.parse(argv)
    # The argument may be a whole token; its secret must not appear in a message.
    return run_with_store(
        arguments, context, partial(_revoke_token, name=arguments.id.partition(".")[0], context=context)
    )


async def _revoke_token(store: Store, keys: Keys, *, name: str, context: CommandContext) -> int:
    key = keys.token(name)
    entry = (await store.read(Range(key))).entries.get(key)
    # The leader may count a use in the meantime; it need only be the same token.
    same = Compare(key, Target.CREATED, entry.create_revision) if entry else None
    if same is None or await store.commit(Transaction((same,), (Delete(key),))) is None:
        raise Refused(f"there is no join token {name}; see `sidecar token list`")
    context.out.write(f"revoked the join token {name}\n")
    return ExitCode.OK


_SUBCOMMANDS = {
    "create": Subcommand("", "create a token and print it", _create),
    "list": Subcommand("", "list the tokens, without their secrets", _list),
    "revoke": Subcommand("ID", "revoke a token", _revoke),
}
