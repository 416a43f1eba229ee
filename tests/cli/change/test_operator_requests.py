"""Requests to the leader about newcomers, rollouts and earlier versions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.records.encoding import Record
from sidecar.domain.records.requests import Outcome, OutcomeKind, Request, RequestKind
from tests.cli.network import KEYS, ONE, THREE, TWO, USUAL, Shell, canonical

HISTORY: dict[str, Record | bytes] = {
    KEYS.history(version): canonical(version, ONE, TWO) for version in (1, 2, 4, 5)
}


def done(request: Request) -> Outcome:
    return Outcome(OutcomeKind.DONE, f"did {request.kind.value} {request.subject}", 5, 1.0)


def refused(_: Request) -> Outcome:
    return Outcome(OutcomeKind.REFUSED, "not today", 5, 1.0)


@pytest.mark.parametrize(
    ("argv", "kind", "subject", "reason"),
    [
        (("approve", "fed-4", "--reason", "new rack"), RequestKind.APPROVE, "fed-4", "new rack"),
        (("refuse", "fed-4", "--reason", "a test"), RequestKind.REFUSE, "fed-4", "a test"),
        (("pause", "fed-3", "--reason", "disk"), RequestKind.PAUSE, "fed-3", "disk"),
        (("resume", "fed-3"), RequestKind.RESUME, "fed-3", ""),
        (("rollout", "pause", "--reason", "backup"), RequestKind.PAUSE, "", "backup"),
        (("rollout", "resume"), RequestKind.RESUME, "", ""),
        (("rollout", "skip", "fed-3", "--reason", "disk"), RequestKind.SKIP, "fed-3", "disk"),
        (("rollout", "retry", THREE.text), RequestKind.RETRY, THREE.text, ""),
        (("rollback", "2", "--reason", "oops"), RequestKind.ROLLBACK, "2", "oops"),
        (("rollback", "0002"), RequestKind.ROLLBACK, "2", ""),
    ],
)
def test_each_command_sends_its_kind_of_request(
    argv: tuple[str, ...], kind: RequestKind, subject: str, reason: str
) -> None:
    shell = Shell({**USUAL, **HISTORY}, answer=done)

    code, out, err = shell(*argv)

    assert (code, err) == (0, "")
    assert out.startswith(f"did {kind.value} {subject}")
    (request,) = shell.requests
    assert (request.kind, request.subject, request.reason) == (kind, subject, reason)
    assert request.by.startswith("ann@")
    assert shell.open_requests == []


@pytest.mark.parametrize("command", ["approve", "rollback"])
def test_a_change_of_the_list_prints_the_new_version(command: str) -> None:
    assert (
        Shell({**USUAL, **HISTORY}, answer=done)(command, "2")[1]
        == f"did {command} 2; version 5 has 3 servers\n"
    )


@pytest.mark.parametrize("argv", [("refuse", "a"), ("pause", "a"), ("rollout", "skip", "a")])
def test_a_request_that_keeps_the_list_prints_no_version(argv: tuple[str, ...]) -> None:
    assert Shell(answer=done)(*argv)[1] == f"did {argv[-2]} a\n"


@pytest.mark.parametrize(
    ("argv", "phrase"),
    [
        (("refuse", "fed-4"), "refuse fed-4"),
        (("rollout", "pause"), "pause the rollout"),
        (("rollout", "resume"), "resume the rollout"),
        (("rollout", "skip", "fed-3"), "skip fed-3"),
        (("rollback", "2"), "roll back to version 2"),
    ],
)
def test_refusal_timeout_and_acknowledgement_name_the_request(argv: tuple[str, ...], phrase: str) -> None:
    records = {**USUAL, **HISTORY}

    refusal = Shell(records, answer=refused)(*argv)
    silence = Shell(records)(*argv, "--timeout", "0.05")
    promise = Shell(records)(*argv, "--no-wait")

    assert refusal == (77, "", f"sidecar: error: cannot {phrase}: not today\n")
    assert f"the request to {phrase} was cancelled, nothing has changed" in silence[2]
    assert promise == (0, f"asked to {phrase}; the leader is fed-2\n", "")


def test_a_rollback_carries_the_list_of_that_version() -> None:
    shell = Shell({**USUAL, **HISTORY}, answer=done)

    shell("rollback", "4")

    assert shell.requests[0].servers == (ONE, TWO)


def test_a_rollback_to_the_current_version_is_refused() -> None:
    shell = Shell({**USUAL, **HISTORY}, answer=done)

    said = "sidecar: error: version 5 is the current one; there is nothing to roll back\n"
    assert shell("rollback", "5") == (77, "", said)
    assert shell.requests == []


@pytest.mark.parametrize("version", ["3", "9999999999"])
def test_a_rollback_to_an_unkept_version_lists_the_kept_ones(version: str) -> None:
    shell = Shell({**USUAL, **HISTORY}, answer=done)

    kept = "the history has versions 1 to 2, 4 to 5: see `sidecar history`"
    said = f"sidecar: error: version {version} is not kept; {kept}\n"
    assert shell("rollback", version) == (64, "", said)
    assert shell.requests == []


def test_an_unreadable_version_counts_as_missing() -> None:
    code, _, err = Shell({**USUAL, KEYS.history(2): b"{}"}, answer=done)("rollback", "2")

    assert code == 64
    assert "version 2 is not kept" in err


def test_control_characters_from_the_leader_are_escaped() -> None:
    def answer(request: Request) -> Outcome:
        return replace(done(request), reason="\x1b[2Jgone")

    assert "\x1b" not in Shell(answer=answer)("pause", "fed-3")[1]
