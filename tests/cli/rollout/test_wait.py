"""`wait`: waits until every node has loaded a version."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.records.canonical import Change, ChangeKind
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import BlockKind, Exemption, Grant, Quarantine, RolloutBlock
from sidecar.domain.servers import NodeID
from tests.cli.network import KEYS, ONE, THREE, TWO, Shell, canonical, put
from tests.cli.rollout.records import AT, in_step, reported, rolling, waiting, without
from tests.fakes.memory_store import MemoryStore

ROLLBACK = (Change(ChangeKind.ROLLBACK, by="ann@host", reason="rolled back to version 5"),)
BACK = replace(canonical(7, ONE, TWO), cause=ROLLBACK)
SIX = canonical(6, ONE, TWO, THREE)


def test_wait_returns_immediately_if_all_nodes_are_done() -> None:
    assert Shell(in_step())("wait") == (0, "4 nodes run on version 5 or a later one\n", "")


def test_wait_as_json_lists_the_nodes() -> None:
    assert Shell(in_step()).json("wait", "--version", "3") == {
        "format": 1,
        "version": 3,
        "loaded": ["fed-1", "fed-3", "fed-2", "db-1"],
        "excluded": [],
    }


def test_wait_returns_when_the_last_node_has_loaded_the_newest_version() -> None:
    shell = Shell(rolling())

    async def story(store: MemoryStore) -> None:
        for name in ("fed-1", "fed-2", "fed-3"):
            await put(store, reported(name, loaded_version=6))
        # A version that comes later is not waited for.
        await put(store, {KEYS.canonical: canonical(7)})
        await put(store, reported("db-1", loaded_version=6))

    shell.scenario = story

    assert shell("wait", "--timeout", "10") == (0, "4 nodes run on version 6 or a later one\n", "")


def test_an_unhealthy_node_is_waited_for() -> None:
    shell = Shell(in_step() | reported("fed-3", healthy=False, reason="HTTP 503"))

    code, out, err = shell("wait", "--timeout", "1")

    assert (code, out) == (69, "")
    assert err == ("sidecar: error: not all nodes loaded version 5 within 1 s: fed-3 is running: HTTP 503\n")


def test_a_timeout_names_every_unfinished_node_with_its_reason() -> None:
    records = without(in_step() | waiting("fed-1", 4), KEYS.report(NodeID("db-1")))

    code, _, err = Shell(records)("wait", "--timeout", "1")

    assert code == 69
    assert "fed-1 runs on version 4; db-1 is away: its sidecar is down" in err


def test_a_future_version_is_waited_for() -> None:
    shell = Shell(in_step())

    async def story(store: MemoryStore) -> None:
        await shell.wait_for_output("version 6 does not exist yet (the newest is 5); still waiting")
        await put(store, {KEYS.canonical: canonical(6)})
        for name in ("fed-1", "fed-2", "fed-3", "db-1"):
            await put(store, reported(name, loaded_version=6))

    shell.scenario = story

    code, out, _ = shell("wait", "--version", "6", "--timeout", "10")

    assert (code, out) == (0, "4 nodes run on version 6 or a later one\n")


def test_a_version_that_never_existed_is_reported() -> None:
    code, _, err = Shell(in_step())("wait", "--version", "9", "--timeout", "1")

    assert code == 69
    assert "not all nodes loaded version 9 within 1 s: it does not exist yet" in err


@pytest.mark.parametrize(
    ("left_out", "why"),
    [
        (KEYS.pause(NodeID("fed-3")), "is paused by ann"),
        (KEYS.skip(NodeID("fed-3")), "is skipped by ann"),
    ],
)
def test_an_excluded_node_does_not_count_and_is_reported(left_out: str, why: str) -> None:
    shell = Shell(in_step() | waiting("fed-3", 4) | {left_out: Exemption(5, AT, "ann")})

    code, out, err = shell("wait", "--timeout", "10")

    assert (code, out) == (
        0,
        f"3 nodes run on version 5 or a later one; not counted: fed-3 {why}\n",
    )
    assert err == f"sidecar: fed-3 does not count: it {why}\n"


def test_a_halt_is_reported_once_and_waited_out() -> None:
    failed = Grant(6, 1, 1.0, failed="died: exit code 3")
    crashed = reported("fed-1", phase=Phase.CRASHED, healthy=False)
    shell = Shell(rolling() | crashed | {KEYS.grant(NodeID("fed-1")): failed})

    async def story(store: MemoryStore) -> None:
        await shell.wait_for_output("halted")
        await put(store, reported("fed-2", loaded_version=6))
        await put(store, reported("fed-1", loaded_version=6) | {KEYS.grant(NodeID("fed-1")): None})
        for name in ("fed-3", "db-1"):
            await put(store, reported(name, loaded_version=6))

    shell.scenario = story

    code, _, err = shell("wait", "--timeout", "10")

    assert code == 0
    assert err == "sidecar: the rollout is halted: fed-1 died: exit code 3; still waiting\n"


def test_a_pause_of_the_rollout_is_reported() -> None:
    stop: dict[str, Record] = {
        KEYS.rollout_block: RolloutBlock(BlockKind.PAUSED, 6, "ann paused it: lunch", AT, "ann")
    }

    code, _, err = Shell(rolling() | stop)("wait", "--timeout", "1")

    assert code == 69
    assert err.startswith("sidecar: the rollout is paused: ann paused it: lunch; still waiting\n")


def test_a_quarantined_version_ends_the_wait() -> None:
    bad: dict[str, Record] = {KEYS.quarantine(6): Quarantine(6, SIX.servers, "fed-1 died", AT)}

    code, _, err = Shell(in_step(7) | bad)("wait", "--version", "6")

    assert code == 77
    assert err == f"sidecar: error: version 6 is quarantined since {AT}: fed-1 died\n"


def test_a_rollback_ends_the_wait() -> None:
    shell = Shell(rolling() | {KEYS.history(6): SIX, KEYS.canonical: SIX})

    async def story(store: MemoryStore) -> None:
        await put(store, {KEYS.canonical: BACK, KEYS.history(7): BACK})

    shell.scenario = story

    code, _, err = shell("wait", "--timeout", "10")

    assert code == 77
    assert "version 6 was rolled back by version 7 at 2026-05-04T10:00:00Z: rolled back to version 5" in err


@pytest.mark.parametrize("wanted", ["5", "7"])
def test_the_version_restored_by_a_rollback_can_be_awaited(wanted: str) -> None:
    history: dict[str, Record] = {
        KEYS.history(5): canonical(5, ONE, TWO),
        KEYS.history(6): SIX,
        KEYS.canonical: BACK,
    }

    assert Shell(in_step(7) | history)("wait", "--version", wanted, "--timeout", "10")[0] == 0


def test_without_a_list_there_is_nothing_to_wait_for() -> None:
    code, _, err = Shell({})("wait")

    assert code == 69
    assert "network default has no list" in err


def test_a_list_without_known_nodes_is_not_loaded() -> None:
    code, _, err = Shell({KEYS.canonical: canonical(5)})("wait", "--timeout", "1")

    assert code == 69
    for url in (ONE, TWO, THREE):
        remedy = f"(to stop waiting: `sidecar remove {url}`)"
        assert f"the server at {url} has never reported; still waiting {remedy}\n" in err
    never = f"the server at {ONE} has never reported; the server at {TWO}"
    assert f"not all nodes loaded version 5 within 1 s: {never}" in err


def test_a_server_that_never_reported_is_waited_for() -> None:
    shell = Shell(without(in_step(), KEYS.report(NodeID("fed-3")), KEYS.member(NodeID("fed-3"))))
    code, _, err = shell("wait", "--timeout", "1")
    assert code == 69
    assert f"the server at {THREE} has never reported" in err

    async def story(store: MemoryStore) -> None:
        await put(store, reported("fed-3"))

    shell.scenario = story

    assert shell("wait", "--timeout", "10")[:2] == (0, "4 nodes run on version 5 or a later one\n")


def test_an_outage_of_etcd_is_reported_once_and_waited_out() -> None:
    shell = Shell(rolling() | {KEYS.pause(NodeID("fed-3")): Exemption(5, AT, "ann")})

    async def story(store: MemoryStore) -> None:
        await shell.wait_for_output("fed-3 does not count")
        store.disconnect()
        await shell.wait_for_output("trying again")
        for name in ("fed-1", "fed-2", "db-1"):
            await put(MemoryStore(store.cluster), reported(name, loaded_version=6))
        store.reconnect()

    shell.scenario = story

    code, out, err = shell("wait", "--timeout", "20")

    assert code == 0
    assert out.startswith("3 nodes run on version 6")
    assert err.count("trying again") == 1


@pytest.mark.parametrize("argv", [("--timeout", "0"), ("--timeout", "soon"), ("--version", "0"), ("now",)])
def test_a_bad_command_line_exits_with_64(argv: tuple[str, ...]) -> None:
    assert Shell(in_step())("wait", *argv)[0] == 64


def test_a_node_that_blocks_all_others_is_shown() -> None:
    stands: dict[str, Record] = {
        KEYS.rollout_block: RolloutBlock(BlockKind.WAITING, 6, "fed-2 has not become healthy", AT)
    }
    sick = reported("fed-2", loaded_version=6, healthy=False)

    code, _, err = Shell(rolling() | sick | stands)("wait", "--timeout", "1")

    assert code == 69
    assert err.startswith("sidecar: the rollout is waiting: fed-2 has not become healthy; still waiting\n")
