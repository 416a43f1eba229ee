"""What anybody may write into etcd must not end a leader: the next one would read it too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.desk import epoch
from sidecar.domain.membership import OutcomeKind, RequestKind, VerdictKind
from sidecar.domain.policy import Admission, Policy
from sidecar.domain.records import Record
from sidecar.domain.servers import NodeID
from sidecar.domain.tokens import JoinToken, TokenRecord
from tests.build import KEYS, ask, canonical, join, network, server, url
from tests.domain.leading import settled

TOKEN = JoinToken("0" * 12, "ab" * 32)
WISH = join(server(4, 9004), 9000, 9004)
STANDS: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001, 9002)}


@pytest.mark.parametrize(("secret", "proof"), [(TOKEN.secret, "é"), ("no hexadecimal", "ab")])
def test_a_proof_or_a_secret_of_any_text_is_a_refusal(secret: str, proof: str) -> None:
    asked = replace(WISH, token=TOKEN.id, proof=proof)
    records = {**STANDS, KEYS.policy: Policy(Admission.TOKEN), KEYS.request("join-fed-4"): asked}
    end = settled(network({**records, KEYS.token(TOKEN.id): TokenRecord(secret, "me", "")}))
    assert end.verdicts[NodeID("fed-4")].kind is VerdictKind.REFUSED


def test_approving_a_newcomer_whose_name_is_no_node_id_is_refused() -> None:
    records = {**STANDS, KEYS.request("a"): ask(RequestKind.APPROVE, "a/b")}
    end = settled(network({**records, KEYS.request("b"): replace(WISH, subject="a/b")}))
    outcome = end.requests["a"].outcome
    assert outcome
    assert outcome.kind is OutcomeKind.REFUSED


def test_a_rollback_to_a_list_that_is_none_is_refused() -> None:
    twice = replace(ask(RequestKind.ROLLBACK, "1"), servers=(url(9000), url(9000)))
    outcome = settled(network({**STANDS, KEYS.request("a"): twice})).requests["a"].outcome
    assert outcome
    assert "a server is named twice" in outcome.reason


def test_a_list_that_was_dated_by_hand_stops_no_leader() -> None:
    dated = replace(canonical(9000, 9001, 9002), at="2025-02-31T12:00:00Z")
    end = settled(network({KEYS.canonical: dated, KEYS.request("join-fed-4"): WISH}))
    assert end.canonical
    assert end.canonical.version == 2
    assert epoch("2025-02-31T12:00:00Z") == 0.0
