"""``sidecar policy``: the policy that operators set for the network."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from sidecar.cli.policy.editor import edit_until_valid, temporary_copy
from sidecar.cli.policy.stored import policy_name, read_policy, write_policy
from sidecar.cli.policy.text import Assignment, apply_assignments, parse_assignments, rule_rows, with_defaults
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.output import print_json, print_table
from sidecar.cli.shared.parser import Parser, add_network_settings
from sidecar.cli.shared.snapshot import run_with_store
from sidecar.cli.shared.subcommands import Subcommand, run_subcommand
from sidecar.domain.errors import BadRecord, ExitCode
from sidecar.domain.printing import printable
from sidecar.domain.records.codec import from_json
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.policy import Admission, Policy
from sidecar.ports import Store

DESCRIPTION = """\
Manages the policy of the network: which servers are admitted, and how nodes are
restarted after a change. It is in etcd; changes take effect immediately."""
EPILOG = """\
example:
  sidecar policy set admission=manual rollout.max_unavailable=25%"""

_SHOW = "Shows the value of every rule, and whether it is set or the default."
_SHOW_EXAMPLE = """\
example:
  sidecar policy show --json | jq -r .policy.admission"""
_SET = """\
Sets rules, all of them or none, and shows the changes. KEY= resets a rule to
its default. `sidecar policy show` lists the keys."""
_SET_EXAMPLE = """\
example:
  sidecar policy set rollout.max_unavailable=2 rollout.canary="""
_EDIT = """\
Opens the policy as JSON in $VISUAL, $EDITOR or vi. An invalid policy is opened
again with its errors below the text; only a valid one is written."""
_EDIT_EXAMPLE = """\
example:
  sidecar policy edit --dry-run"""

_DRY_RUN = "show the changes, but do not write them"
_INVALID_POLICY = (
    "this policy is invalid, so no server is admitted, and all other rules have their defaults; "
    "fix it with `sidecar policy set` or `edit`"
)
_UNKNOWN_FORMAT = "a leader that cannot read this policy changes nothing"


def main(argv: Sequence[str], context: CommandContext) -> int:
    return run_subcommand("policy", _SUBCOMMANDS, DESCRIPTION, EPILOG, argv, context)


def _show(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("policy show", "[OPTION]…", _SHOW, _SHOW_EXAMPLE)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(arguments, context, partial(_show_policy, context=context, as_json=arguments.json))


async def _show_policy(store: Store, keys: Keys, *, context: CommandContext, as_json: bool) -> int:
    stored_policy = await read_policy(store, keys)
    document = stored_policy.document
    # An invalid one admits no server, as in `domain.network`.
    policy = Policy(Admission.CLOSED) if stored_policy.problems else from_json(Policy, document)
    errors = [problem.describe(policy_name(keys)) for problem in stored_policy.problems]
    if as_json:
        print_json(context.out, {"policy": with_defaults(policy), "stored": document, "problems": errors})
    else:
        # No rule of an invalid policy applies, and `closed` is not a default.
        lines = rule_rows(policy, {}, "invalid policy") if errors else rule_rows(policy, document or {})
        print_table(context.out, ("KEY", "VALUE", "FROM"), list(lines))
    if not errors:
        return ExitCode.OK
    for error in errors:
        print(f"sidecar: error: {printable(error)}", file=context.err)
    note = _UNKNOWN_FORMAT if Policy.FORMATS.find_problem(document) else _INVALID_POLICY
    print(f"sidecar: note: {note}", file=context.err)
    return ExitCode.BAD_FILE


def _set(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("policy set", "KEY=VALUE… [OPTION]…", _SET, _SET_EXAMPLE)
    parser.add_argument("assignments", nargs="+", metavar="KEY=VALUE", help=argparse.SUPPRESS)
    parser.add_argument("--dry-run", action="store_true", help=_DRY_RUN)
    add_network_settings(parser)
    arguments = parser.parse(argv)
    assignments = parse_assignments(arguments.assignments)
    work = partial(_set_rules, assignments=assignments, context=context, dry_run=arguments.dry_run)
    return run_with_store(arguments, context, work)


async def _set_rules(
    store: Store, keys: Keys, *, assignments: Sequence[Assignment], context: CommandContext, dry_run: bool
) -> int:
    stored_policy = await read_policy(store, keys)
    if stored_policy.document is None:
        print(
            "sidecar: note: to fix a policy that is not a JSON object, run `sidecar policy edit`",
            file=context.err,
        )
        raise BadRecord(policy_name(keys), stored_policy.problems)
    document = apply_assignments(stored_policy.document, assignments)
    return await write_policy(store, keys, stored_policy, document, context, dry_run=dry_run)


def _edit(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("policy edit", "[OPTION]…", _EDIT, _EDIT_EXAMPLE)
    parser.add_argument("--dry-run", action="store_true", help=_DRY_RUN)
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(
        arguments, context, partial(_edit_policy, context=context, dry_run=arguments.dry_run)
    )


async def _edit_policy(store: Store, keys: Keys, *, context: CommandContext, dry_run: bool) -> int:
    stored_policy = await read_policy(store, keys)
    with temporary_copy(stored_policy.readable, context) as path:
        document = await edit_until_valid(path, context)
        if document is None:
            context.out.write("no change: the text was empty\n")
            return ExitCode.OK
        return await write_policy(store, keys, stored_policy, document, context, dry_run=dry_run)


_SUBCOMMANDS = {
    "show": Subcommand("", "show every rule", _show),
    "set": Subcommand("KEY=VALUE…", "set rules, or reset them (KEY=)", _set),
    "edit": Subcommand("", "edit the policy as JSON in $VISUAL, $EDITOR or vi", _edit),
}
