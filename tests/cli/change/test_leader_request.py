"""`remove` and `readmit`: the request to the leader, and its result."""

from __future__ import annotations

import pytest

from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.records.requests import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.records.store import Put, Revision, Transaction
from tests.cli.flaky_store import FlakyStore, done
from tests.cli.network import KEYS, ONE, TWO, USUAL, Shell, canonical


def refused(_: Request) -> Outcome:
    return Outcome(OutcomeKind.REFUSED, "fed-1 is the last server; a network cannot be empty", 5, 1.0)


def test_the_outcome_of_the_leader_is_printed() -> None:
    shell = Shell(answer=lambda _: done())

    code, out, err = shell("remove", "fed-3", "--reason", "moved")

    assert (code, err) == (0, "")
    assert out == "removed fed-3 (http://localhost:9002); version 5 has 3 servers\n"
    (request,) = shell.requests
    assert (request.kind, request.subject, request.reason) == (RequestKind.REMOVE, "fed-3", "moved")
    assert request.by.startswith("ann@")
    assert shell.open_requests == []


def test_readmit_sends_its_request() -> None:
    shell = Shell(USUAL | {KEYS.canonical: canonical(6, ONE)}, answer=lambda _: done("readmitted fed-9"))

    code, out, _ = shell("readmit", "http://localhost:9009")

    assert (code, out) == (0, "readmitted fed-9; version 6 has 1 server\n")
    assert (shell.requests[0].kind, shell.requests[0].subject) == (
        RequestKind.READMIT,
        "http://localhost:9009",
    )


def test_a_refusal_exits_with_77_and_the_leaders_reason() -> None:
    shell = Shell(answer=refused)

    code, out, err = shell("remove", "fed-1")

    assert (code, out) == (77, "")
    assert err == (
        "sidecar: error: cannot remove fed-1: fed-1 is the last server; a network cannot be empty\n"
    )
    assert shell.open_requests == []


def test_with_no_wait_the_request_stays_for_the_leader() -> None:
    shell = Shell()

    code, out, _ = shell("remove", "fed-3", "--no-wait")

    assert (code, out) == (0, "asked to remove fed-3; the leader is fed-2\n")
    assert len(shell.open_requests) == 1


def test_without_a_leader_no_wait_promises_a_later_result() -> None:
    shell = Shell({KEYS.canonical: canonical()})

    assert shell("remove", "fed-3", "--no-wait")[1].endswith(
        "there is no leader; the request will be handled once one is elected\n"
    )
    assert len(shell.open_requests) == 1


@pytest.mark.parametrize(
    ("records", "silent"),
    [
        (USUAL, "the leader, fed-2, did not answer within 0.05 s"),
        ({KEYS.canonical: canonical()}, "there was no leader within 0.05 s"),
    ],
)
def test_a_request_without_an_answer_is_cancelled(records: dict[str, bytes], silent: str) -> None:
    shell = Shell(records)

    code, out, err = shell("remove", "fed-3", "--timeout", "0.05")

    assert (code, out) == (69, "")
    assert f"{silent}; the request to remove fed-3 was cancelled, nothing has changed" in err
    assert "--etcd" not in err
    assert shell.open_requests == []


def test_no_request_is_sent_to_a_network_without_a_list() -> None:
    shell = Shell({})

    code, _, err = shell("remove", "fed-3", "--network", "typo")

    assert code == 69
    assert "network typo has no list yet: none of its servers has started, or --network is wrong" in err
    assert shell.open_requests == []


def test_after_a_broken_watch_the_request_is_read_again() -> None:
    shell = Shell(answer=lambda _: done(), wrap=lambda store: FlakyStore(store, breaks=1))

    assert shell("remove", "fed-3")[0] == 0
    assert shell.open_requests == []


def test_an_outcome_that_races_with_the_cancellation_counts() -> None:
    shell = Shell(wrap=lambda store: FlakyStore(store, answers_late=True))

    code, out, _ = shell("remove", "fed-3", "--timeout", "0.05")

    assert code == 0
    assert out.startswith("removed fed-3")
    assert shell.open_requests == []


def test_a_request_that_could_not_be_cancelled_is_reported() -> None:
    class Lost(FlakyStore):
        async def commit(self, transaction: Transaction) -> Revision | None:
            if isinstance(transaction.operations[0], Put):
                return await super().commit(transaction)
            raise StoreUnavailable("connection refused")

    code, _, err = Shell(wrap=Lost)("remove", "fed-3", "--timeout", "0.05")

    assert code == 69
    assert "the request could not be cancelled and may still take effect (connection refused)" in err


def test_the_subject_may_be_a_url() -> None:
    shell = Shell(answer=lambda _: done())

    shell("remove", TWO.text)

    assert shell.requests[0].subject == TWO.text


@pytest.mark.parametrize("argv", [("fed-\udcff",), ("fed-3", "--reason", "half a \udcff")])
def test_an_argument_that_is_not_utf_8_is_rejected(argv: tuple[str, ...]) -> None:
    shell = Shell(answer=lambda _: done())
    code, out, err = shell("remove", *argv)
    assert (code, out, shell.requests) == (64, "", [])
    assert "is not UTF-8; rewrite it" in err
    err.encode()


def test_an_operator_name_that_is_not_utf_8_is_accepted() -> None:
    shell = Shell(answer=lambda _: done(), environ={"USER": "ann\udcff"})
    assert shell("remove", "fed-3")[0] == 0
    assert shell.requests[0].by.startswith("ann?@")
