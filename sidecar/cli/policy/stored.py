"""The policy in etcd: what stands there, and writing it only over what was read."""

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

    ``document`` is None where ``text`` is no JSON object. ``problems``: why the leader cannot obey it.
    """

    text: str
    document: Json | None
    problems: tuple[Problem, ...]
    modified: Revision

    @property
    def readable(self) -> str:
        """What an operator edits."""
        return self.text if self.document is None else policy_text(self.document)


async def read_policy(store: Store, keys: Keys) -> StoredPolicy:
    """Read the policy; whatever is wrong with it is in the result, not raised."""
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
    """Put ``document`` in the place of ``stored_policy``, and show what that changed; return the exit code.

    Raises `BadRecord` where it is invalid, and `Transient` where somebody was faster.
    """
    name = policy_name(keys)
    wrong = find_policy_problems(document)
    if wrong:
        raise BadRecord(name, wrong)
    if policy_text(document) == stored_policy.readable:
        context.out.write(f"nothing changes: the {name} says so already\n")
        return ExitCode.OK
    if not dry_run:
        numbered = {FORMAT_KEY: Policy.FORMATS.current} | document
        value = json.dumps(numbered, ensure_ascii=False, separators=(",", ":")).encode()
        as_read = Compare(keys.policy, Target.MODIFIED, stored_policy.modified)
        if await store.commit(Transaction((as_read,), (Put(keys.policy, value),))) is None:
            raise Transient(
                f"somebody else changed the {name} meanwhile, so nothing was written; "
                "see `sidecar policy show`, and do it again"
            )
    before = "" if stored_policy.modified == NO_REVISION else stored_policy.readable
    context.out.write(policy_diff(before, policy_text(document), name))
    for note in await _notes(store, keys, from_json(Policy, document)):
        print(f"sidecar: note: {note}", file=context.err)
    return ExitCode.OK


def policy_name(keys: Keys) -> str:
    """What the policy is called in messages."""
    return f"policy of network {keys.network}"


async def _notes(store: Store, keys: Keys, policy: Policy) -> list[str]:
    """What an operator may not have meant."""
    canary = policy.rollout.canary
    ranges = [Range(keys.canonical), *([Range(keys.member(canary))] if canary else [])]
    there = (await store.read(*ranges)).entries
    notes = []
    if keys.canonical not in there:
        notes.append(no_list_message(keys))
    elif canary and keys.member(canary) not in there:
        notes.append(f"no member of this network is called {canary}; until one is, no node goes first")
    return notes


def _object(data: bytes) -> Json | None:
    try:
        document = loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _problems(data: bytes, text: str, keys: Keys) -> tuple[Problem, ...]:
    """The leader's own judgement, with the places where the text is no JSON at all."""
    try:
        decode(Policy, data, keys.policy)
    except BadRecord as exc:
        return exc.problems if _object(data) is not None else parse_policy(text)[1] or exc.problems
    return ()
