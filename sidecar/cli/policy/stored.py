"""The policy in etcd: read it, and replace it only if it has not changed since."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sidecar.cli.policy.text import Json, find_policy_problems, parse_policy, policy_diff, policy_text
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.messages import no_list_message
from sidecar.domain.errors import BadRecord, ExitCode, Problem, Transient
from sidecar.domain.records.codec import from_json
from sidecar.domain.records.encoding import decode, loads
from sidecar.domain.records.formats import FORMAT_KEY
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.policy import Policy
from sidecar.domain.records.store import NO_REVISION, Compare, Put, Revision, Target, Transaction
from sidecar.ports import Store


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """The policy's document as it was read, at its mod revision ``modified`` (`NO_REVISION`: there is none).

    ``document`` is None if ``text`` is not a JSON object. ``problems``: why it is invalid.
    """

    text: str
    document: Json | None
    problems: tuple[Problem, ...]
    modified: Revision

    @property
    def readable(self) -> str:
        """The text that an operator edits."""
        return self.text if self.document is None else policy_text(self.document)


async def read_policy(store: Store, keys: Keys) -> StoredPolicy:
    """Read the policy; its errors are in the result, and not raised."""
    entry = (await store.read(Range(keys.policy))).entries.get(keys.policy)
    if entry is None:
        return StoredPolicy("", {}, (), NO_REVISION)
    text = entry.value.decode(errors="replace")
    return StoredPolicy(text, _object(entry.value), _problems(entry.value, text, keys), entry.mod_revision)


async def write_policy(
    store: Store,
    keys: Keys,
    stored_policy: StoredPolicy,
    document: Json,
    context: CommandContext,
    *,
    dry_run: bool,
) -> int:
    """Replace ``stored_policy`` by ``document``, and show the changes; return the exit code.

    Raises `BadRecord` if it is invalid, and `Transient` if another change was faster.
    """
    name = policy_name(keys)
    wrong = find_policy_problems(document)
    if wrong:
        raise BadRecord(name, wrong)
    if policy_text(document) == stored_policy.readable:
        context.out.write(f"no change: the {name} already has these values\n")
        return ExitCode.OK
    if not dry_run:
        numbered = {FORMAT_KEY: Policy.FORMATS.current} | document
        value = json.dumps(numbered, ensure_ascii=False, separators=(",", ":")).encode()
        as_read = Compare(keys.policy, Target.MODIFIED, stored_policy.modified)
        if await store.commit(Transaction((as_read,), (Put(keys.policy, value),))) is None:
            raise Transient(
                f"the {name} was changed at the same time, so nothing was written; "
                "check `sidecar policy show`, and try again"
            )
    before = "" if stored_policy.modified == NO_REVISION else stored_policy.readable
    context.out.write(policy_diff(before, policy_text(document), name))
    for note in await _notes(store, keys, from_json(Policy, document)):
        print(f"sidecar: note: {note}", file=context.err)
    return ExitCode.OK


def policy_name(keys: Keys) -> str:
    """The name of the policy in messages."""
    return f"policy of network {keys.network}"


async def _notes(store: Store, keys: Keys, policy: Policy) -> list[str]:
    """Warnings about what the operator may not have intended."""
    canary = policy.rollout.canary
    ranges = [Range(keys.canonical), *([Range(keys.member(canary))] if canary else [])]
    there = (await store.read(*ranges)).entries
    notes = []
    if keys.canonical not in there:
        notes.append(no_list_message(keys))
    elif canary and keys.member(canary) not in there:
        notes.append(f"{canary} is not a member of this network, so no node is restarted first")
    return notes


def _object(data: bytes) -> Json | None:
    try:
        document = loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _problems(data: bytes, text: str, keys: Keys) -> tuple[Problem, ...]:
    """The errors that the leader finds, with their positions if the text is not JSON."""
    try:
        decode(Policy, data, keys.policy)
    except BadRecord as exc:
        return exc.problems if _object(data) is not None else parse_policy(text)[1] or exc.problems
    return ()
