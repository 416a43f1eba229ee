"""``sidecar policy``: the rules that operators set for the network."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from sidecar.cli.policy.editor import edited, scratch
from sidecar.cli.policy.stored import name_of, read_standing, write
from sidecar.cli.policy.text import Setting, parse_settings, rows, whole, with_settings
from sidecar.cli.shared.context import World
from sidecar.cli.shared.output import print_json, print_table
from sidecar.cli.shared.parser import Parser, add_settings
from sidecar.cli.shared.snapshot import at_work
from sidecar.cli.shared.subcommands import SubVerb, run_subverb
from sidecar.domain.errors import BadRecord, ExitCode
from sidecar.domain.printing import printable
from sidecar.domain.records.codec import from_json
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.policy import Admission, Policy
from sidecar.ports import Store

DESCRIPTION = """\
The rules of the network: who is let in, and how restarts follow a change. They
live in etcd; the leader obeys a change at once."""
EPILOG = """\
example:
  sidecar policy set admission=manual rollout.max_unavailable=25%"""

_SHOW = "Shows every rule: its value, and whether somebody set it or it is the default."
_SHOW_EXAMPLE = """\
example:
  sidecar policy show --json | jq -r .policy.admission"""
_SET = """\
Sets rules, all of them at once or none, and shows what that changed. KEY=
unsets a rule: it is the default again. `sidecar policy show` lists the keys."""
_SET_EXAMPLE = """\
example:
  sidecar policy set rollout.max_unavailable=2 rollout.canary="""
_EDIT = """\
Opens the policy as JSON in $VISUAL, $EDITOR or vi. What is wrong with it is
told when you leave, below the text, and nothing is written before it is right."""
_EDIT_EXAMPLE = """\
example:
  sidecar policy edit --dry-run"""

_DRY_RUN = "show what would change, and write nothing"
_NOT_OBEYED = (
    "this policy cannot be obeyed, so nobody is let in, and all else is as by default; "
    "`sidecar policy set` and `edit` mend it"
)


def main(argv: Sequence[str], world: World) -> int:
    return run_subverb("policy", _SUBVERBS, DESCRIPTION, EPILOG, argv, world)


def _show(argv: Sequence[str], world: World) -> int:
    parser = Parser("policy show", "[OPTION]…", _SHOW, _SHOW_EXAMPLE)
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_settings(parser)
    asked = parser.parse(argv)
    return at_work(asked, world, partial(_shown, world=world, as_json=asked.json))


async def _shown(store: Store, keys: Keys, *, world: World, as_json: bool) -> int:
    standing = await read_standing(store, keys)
    document = standing.document
    # One that cannot be read admits nobody: `domain.network` says so too.
    policy = Policy(Admission.CLOSED) if standing.problems else from_json(Policy, document)
    complaints = [problem.describe(name_of(keys)) for problem in standing.problems]
    if as_json:
        print_json(world.out, {"policy": whole(policy), "set": document, "problems": complaints})
    else:
        # Of a broken one nothing is obeyed, and `closed` is no default.
        lines = rows(policy, {}, "broken policy") if complaints else rows(policy, document or {})
        print_table(world.out, ("KEY", "VALUE", "FROM"), list(lines))
    if not complaints:
        return ExitCode.OK
    for complaint in complaints:
        print(f"sidecar: error: {printable(complaint)}", file=world.err)
    print(f"sidecar: note: {_NOT_OBEYED}", file=world.err)
    return ExitCode.BAD_FILE


def _set(argv: Sequence[str], world: World) -> int:
    parser = Parser("policy set", "KEY=VALUE… [OPTION]…", _SET, _SET_EXAMPLE)
    parser.add_argument("settings", nargs="+", metavar="KEY=VALUE", help=argparse.SUPPRESS)
    parser.add_argument("--dry-run", action="store_true", help=_DRY_RUN)
    add_settings(parser)
    asked = parser.parse(argv)
    settings = parse_settings(asked.settings)
    work = partial(_changed, settings=settings, world=world, dry_run=asked.dry_run)
    return at_work(asked, world, work)


async def _changed(
    store: Store, keys: Keys, *, settings: Sequence[Setting], world: World, dry_run: bool
) -> int:
    standing = await read_standing(store, keys)
    if standing.document is None:
        print("sidecar: note: `sidecar policy edit` mends a policy that is no JSON object", file=world.err)
        raise BadRecord(name_of(keys), standing.problems)
    document = with_settings(standing.document, settings)
    return await write(store, keys, standing, document, world, dry_run=dry_run)


def _edit(argv: Sequence[str], world: World) -> int:
    parser = Parser("policy edit", "[OPTION]…", _EDIT, _EDIT_EXAMPLE)
    parser.add_argument("--dry-run", action="store_true", help=_DRY_RUN)
    add_settings(parser)
    asked = parser.parse(argv)
    return at_work(asked, world, partial(_edited, world=world, dry_run=asked.dry_run))


async def _edited(store: Store, keys: Keys, *, world: World, dry_run: bool) -> int:
    standing = await read_standing(store, keys)
    with scratch(standing.readable, world) as path:
        document = await edited(path, world)
        if document is None:
            world.out.write("nothing changes: the text was empty\n")
            return ExitCode.OK
        return await write(store, keys, standing, document, world, dry_run=dry_run)


_SUBVERBS = {
    "show": SubVerb("", "show every rule, and which are set", _show),
    "set": SubVerb("KEY=VALUE…", "set rules, or unset them (KEY=)", _set),
    "edit": SubVerb("", "edit them as JSON in $VISUAL, $EDITOR or vi", _edit),
}
