"""`sidecar token`: what is printed, what is stored, and what is never shown."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sidecar.domain.records.encoding import Record, decode
from sidecar.domain.records.policy import Admission, Policy
from sidecar.domain.records.store import Delete, Put, Revision, Transaction
from sidecar.domain.records.tokens import JoinToken, TokenRecord
from tests.cli.flaky_store import FlakyStore
from tests.cli.network import KEYS, USUAL, Shell

FIRST, SECOND = JoinToken("aaaaaaaaaaaa", "1" * 64), JoinToken("bbbbbbbbbbbb", "2" * 64)
TOKENS: dict[str, Record] = {
    KEYS.token(FIRST.id): TokenRecord(FIRST.secret, "ann@host", "2026-05-04T10:00:00Z", 1.0, 2),
    KEYS.token(SECOND.id): TokenRecord(SECOND.secret, "bob@host", "2026-05-04T09:00:00Z"),
}
BY_TOKEN: dict[str, Record] = {**USUAL, KEYS.policy: Policy(Admission.TOKEN)}


def record_of(shell: Shell, token: JoinToken) -> TokenRecord:
    key = KEYS.token(token.id)
    return decode(TokenRecord, shell.records_after[key], key)


@pytest.mark.parametrize(
    ("options", "lives", "uses"),
    [
        ((), 86_400, 1),
        (("--ttl", "90s", "--uses", "3"), 90, 3),
        (("--ttl", "15m"), 900, 1),
        (("--ttl", "1h"), 3_600, 1),
        (("--ttl", "7d", "--uses", "unlimited"), 604_800, None),
        (("--ttl", "never"), None, 1),
    ],
)
def test_only_the_token_is_printed_and_its_record_is_stored(
    options: tuple[str, ...], lives: float | None, uses: int | None
) -> None:
    shell, before = Shell(BY_TOKEN), time.time()

    code, out, err = shell("token", "create", *options)

    assert (code, err) == (0, "")
    token = JoinToken.parse(out.removesuffix("\n"))
    record = record_of(shell, token)
    assert (record.secret, record.uses_left) == (token.secret, uses)
    assert record.by.startswith("ann@")
    if lives is None:
        assert record.expires is None
    else:
        assert record.expires is not None
        assert before + lives <= record.expires <= time.time() + lives


@pytest.mark.parametrize("admission", [Admission.OPEN, Admission.MANUAL, Admission.CLOSED])
def test_a_token_that_the_policy_does_not_require_is_noted(admission: Admission) -> None:
    shell = Shell({**USUAL, KEYS.policy: Policy(admission)})

    code, out, err = shell("token", "create")

    assert code == 0
    assert len(out.splitlines()) == 1
    assert f"the network does not require it: the policy is admission={admission.value}; " in err
    assert "to change that, `sidecar policy set admission=token`" in err


def test_an_empty_network_is_noted_as_a_possible_typo() -> None:
    assert "network default has no list yet" in Shell({})("token", "create")[2]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--ttl", "5x", "'5x' is not a time such as 90s, 15m, 1h, 7d or never"),
        ("--ttl", "1", "'1' is not a time"),
        ("--ttl", "1.5h", "'1.5h' is not a time"),
        ("--ttl", "0s", "'0s' is not between 1s and 3650d; for a longer time, write never"),
        ("--ttl", "9999999999d", "is not between 1s and 3650d"),
        ("--uses", "0", "'0' is neither a number of joins from 1 nor unlimited"),
        ("--uses", "-1", "'-1' is neither a number of joins"),
        ("--uses", "many", "'many' is neither a number of joins"),
    ],
)
def test_a_bad_ttl_or_number_of_uses_is_an_error(option: str, value: str, said: str) -> None:
    shell = Shell(BY_TOKEN)

    code, out, err = shell("token", "create", f"{option}={value}")

    assert (code, out) == (64, "")
    assert said in err
    assert shell.opened == []


def test_the_list_shows_everything_except_the_secrets() -> None:
    code, out, err = Shell({**USUAL, **TOKENS})("token", "list")

    assert (code, err) == (0, "")
    assert [line.split("  ")[0].strip() for line in out.splitlines()] == ["ID", SECOND.id, FIRST.id]
    assert out.splitlines()[1].split() == [
        *(SECOND.id, "bob@host", "2026-05-04T09:00:00Z", "never", "unlimited", "good")
    ]
    assert out.splitlines()[2].endswith("1970-01-01T00:00:01Z  2          has expired")
    assert FIRST.secret not in out


def test_list_as_json_has_no_secrets() -> None:
    shell = Shell({**USUAL, **TOKENS})

    answer: Any = shell.json("token", "list")

    assert answer == [
        {
            "id": SECOND.id,
            "by": "bob@host",
            "at": "2026-05-04T09:00:00Z",
            "expires_at": None,
            "uses_left": None,
        }
        | {"why_unusable": None},
        {"id": FIRST.id, "by": "ann@host", "at": "2026-05-04T10:00:00Z", "expires_at": "1970-01-01T00:00:01Z"}
        | {"uses_left": 2, "why_unusable": "has expired"},
    ]
    assert Shell().json("token", "list") == []


def test_an_impossible_expiry_date_is_shown_as_a_number() -> None:
    odd = TokenRecord(FIRST.secret, "ann@host", "2026-05-04T10:00:00Z", 1e30, 2)
    code, out, err = Shell({**USUAL, KEYS.token(FIRST.id): odd})("token", "list")
    assert (code, err) == (0, "")
    assert "  1e+30  " in out


def test_an_empty_list_of_tokens_is_reported() -> None:
    assert Shell()("token", "list")[1] == (
        "network default has no join tokens; `sidecar token create` creates one\n"
    )


@pytest.mark.parametrize("name", [FIRST.id, str(FIRST)])
def test_a_token_is_revoked_by_its_id_or_itself(name: str) -> None:
    shell = Shell({**USUAL, **TOKENS})

    assert shell("token", "revoke", name) == (0, f"revoked the join token {FIRST.id}\n", "")
    assert KEYS.token(FIRST.id) not in shell.records_after
    assert KEYS.token(SECOND.id) in shell.records_after


def test_an_unreadable_token_can_be_revoked() -> None:
    shell = Shell({**USUAL, KEYS.token("old"): b"?"})

    assert shell("token", "revoke", "old")[0] == 0
    assert KEYS.token("old") not in shell.records_after


def test_revoking_an_unknown_token_fails_without_showing_its_secret() -> None:
    code, out, err = Shell()("token", "revoke", str(FIRST))

    assert (code, out) == (77, "")
    assert f"there is no join token {FIRST.id}; see `sidecar token list`" in err
    assert FIRST.secret not in err


def test_a_token_with_the_same_id_is_not_overwritten() -> None:
    class Taken(FlakyStore):
        async def commit(self, transaction: Transaction) -> Revision | None:
            key = transaction.operations[0].key
            await super().commit(Transaction((), (Put(key, b"{}"),)))
            return await super().commit(transaction)

    code, out, err = Shell(BY_TOKEN, wrap=Taken)("token", "create")

    assert (code, out) == (69, "")
    assert "another join token has the id" in err


class Busy(FlakyStore):
    """A store in which the leader counts a use of the token right before it is revoked."""

    async def commit(self, transaction: Transaction) -> Revision | None:
        if isinstance(transaction.operations[0], Delete):
            await self._store.commit(Transaction((), (Put(KEYS.token(FIRST.id), b"{}"),)))
        return await super().commit(transaction)


def test_a_token_used_at_the_same_time_is_revoked() -> None:
    shell = Shell({**USUAL, **TOKENS}, wrap=Busy)

    assert shell("token", "revoke", FIRST.id)[0] == 0
    assert KEYS.token(FIRST.id) not in shell.records_after
