"""`servers`, `leader`, `members`, `removed`: the network as it is in etcd, for scripts and for people."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sidecar.cli.main import run_command
from sidecar.cli.shared.context import CommandContext
from sidecar.config import EtcdSettings
from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import NodeID, ServerUrl
from sidecar.ports import Store
from tests.cli.network import KEYS, THREE, USUAL, Shell, report

COMMANDS = ("servers", "leader", "members", "removed", "history", "pending")


def without(*keys: str) -> Shell:
    return Shell({key: record for key, record in USUAL.items() if key not in keys})


# For scripts: a contract.


def test_servers_as_json_is_the_canonical_document() -> None:
    assert Shell().json("servers") == {
        "format": 1,
        "FederatedServers": ["http://localhost:9000", "http://localhost:9001", "http://localhost:9002"],
        "version": 5,
        "cause": [{"kind": "join", "node_id": "fed-3", "url": "http://localhost:9002"}],
        "author": "fed-1",
        "term": 7,
        "at": "2026-05-04T10:00:00Z",
        "removed": [],
    }


def test_servers_as_json_is_null_without_a_list() -> None:
    assert Shell({}).json("servers") is None


def test_the_first_candidate_leads() -> None:
    assert Shell().json("leader") == {
        "format": 1,
        "node_id": "fed-2",
        "url": "http://localhost:9001",
        "term": 3,
        "since": "2026-05-04T09:00:00Z",
    }


def test_the_next_candidate_leads_after_the_first() -> None:
    found = without(KEYS.candidate(99)).json("leader")

    assert isinstance(found, dict)
    assert found["node_id"] == "fed-1"


def test_leader_as_json_is_null_without_a_leader() -> None:
    assert Shell({}).json("leader") is None


def test_members_as_json_come_in_the_order_of_the_list() -> None:
    found = Shell().json("members")

    assert isinstance(found, list)
    assert [node["node_id"] for node in found] == ["fed-1", "fed-2", "fed-3", "db-1"]
    first, second, _, database = found
    assert (first["phase"], first["loaded_version"], first["written_version"]) == ("restart-pending", 4, 5)
    assert (second["role"], second["healthy"], second["leader"]) == ("federated", True, True)
    assert (database["role"], database["url"], database["leader"]) == ("database", None, False)
    assert {"reason", "since", "host", "pid", "instance", "sidecar"} <= set(first)


def test_a_member_without_a_report_is_away_with_the_same_keys() -> None:
    found = Shell().json("members")

    assert isinstance(found, list)
    away, present = found[2], found[0]
    assert (away["node_id"], away["phase"], away["healthy"]) == ("fed-3", "away", False)
    assert (away["url"], away["loaded_version"], away["since"]) == ("http://localhost:9002", None, None)
    assert list(away) == list(present)


def test_removed_as_json_lists_the_tombstones() -> None:
    assert Shell().json("removed") == [
        {
            "format": 1,
            "node_id": "fed-9",
            "url": "http://localhost:9009",
            "role": "federated",
            "at": "2026-05-04T11:00:00Z",
            "by": "ann@host",
            "reason": "old [disk]",
        }
    ]
    assert Shell({}).json("removed") == []


def test_members_lists_other_nodes_separately() -> None:
    four = ServerUrl.parse("http://localhost:9004")
    nine = ServerUrl.parse("http://localhost:9009")
    others: dict[str, Record] = {
        KEYS.report(NodeID("fed-4")): report("fed-4", four, phase=Phase.JOINING, reason="asked to join"),
        KEYS.report(NodeID("fed-9")): report("fed-9", nine, phase=Phase.REMOVED, reason="removed by ann"),
    }
    shell = Shell(USUAL | others)

    found = shell.json("members")

    assert isinstance(found, list)
    assert [node["node_id"] for node in found] == ["fed-1", "fed-2", "fed-3", "db-1"]
    assert shell("members")[1].endswith(
        "\nfed-4 (http://localhost:9004) is not a member; it is joining: asked to join; "
        "see `sidecar pending`\n"
        "fed-9 (http://localhost:9009) is not a member; it is removed: removed by ann\n"
    )


# For people.


def test_without_json_a_pipe_gets_plain_columns() -> None:
    code, out, _ = Shell()("members")

    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert lines[0] == ["NODE", "ROLE", "URL", "PHASE", "LIST", "FOR", "WHY"]
    assert lines[1][:5] == ["fed-1", "server", "http://localhost:9000", "restart-pending", "4(5)"]
    assert lines[2][:2] == ["fed-2", "leader"]
    assert lines[3][3] == "away"
    assert lines[4][:3] == ["db-1", "database", "-"]
    assert "\x1b" not in out


def test_a_terminal_gets_a_table_that_fits_and_the_reasons_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    _, out, _ = Shell(terminal=True)("members")

    assert "\x1b" in out
    out = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert max(map(len, out.splitlines())) <= 80
    assert "fed-1 is restart-pending: waits for a grant" in out
    assert "fed-3 is away: no report" in out
    assert "fed-2 is " not in out


def test_a_running_node_that_is_unhealthy_is_shown_as_unhealthy() -> None:
    shell = Shell(USUAL | {KEYS.report(NodeID("fed-3")): report("fed-3", THREE, healthy=False)})

    assert "unhealthy" in shell("members")[1]


def test_brackets_in_a_value_are_not_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")

    assert "old [disk]" in Shell(terminal=True)("removed")[1]
    assert "old [disk]" in Shell()("removed")[1]


def test_control_characters_in_a_value_are_escaped() -> None:
    records = USUAL | {KEYS.report(NodeID("fed-3")): report("fed-3", THREE, reason="\x1b[2Jgone\nfed-1")}

    for terminal in (True, False):
        _, out, _ = Shell(
            records | {KEYS.tombstone("fed-9"): USUAL[KEYS.tombstone("fed-9")]}, terminal=terminal
        )("members")
        assert "\x1b[2J" not in out
        assert "gone\n" not in out


def test_servers_shows_each_server_with_its_node_and_the_origin() -> None:
    _, out, _ = Shell()("servers")

    assert "http://localhost:9002  fed-3\n" in out
    assert out.endswith("version 5, by fed-1 at 2026-05-04T10:00:00Z: join fed-3\n")


def test_leader_is_one_sentence() -> None:
    assert Shell()("leader")[1] == (
        "fed-2 (http://localhost:9001) leads network default: candidate since 2026-05-04T09:00:00Z, term 3\n"
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("servers", "network default has no list yet"),
        ("leader", "network default"),
        ("members", "network default has no members yet"),
        ("removed", "network default"),
        ("history", "network default has no list yet"),
        ("pending", "no server asks to join network default; admission is open"),
    ],
)
def test_an_empty_network_is_reported_without_an_error(command: str, said: str) -> None:
    code, out, _ = Shell({})(command)

    assert code == 0
    assert out.startswith(said)


# What is not as it should be.


def test_an_unreadable_record_is_left_out_with_a_warning() -> None:
    code, out, err = Shell(USUAL | {KEYS.report(NodeID("fed-1")): b"{nonsense"})("members")

    assert code == 0
    assert "fed-1" in out
    assert "WARNING record ignored" in err
    assert KEYS.report(NodeID("fed-1")) in err


def test_an_unreadable_leader_record_shows_no_leader_and_a_warning() -> None:
    code, out, err = Shell(USUAL | {KEYS.candidate(99): b"{}"})("leader", "--json")

    assert (code, out) == (0, "null\n")
    assert "the leader's record cannot be read" in err


@pytest.mark.parametrize("command", COMMANDS)
def test_settings_reach_the_store(command: str) -> None:
    shell = Shell()

    shell(command, "--etcd", "http://a:2379,http://b:2379")

    assert shell.opened[0].endpoints == ("http://a:2379", "http://b:2379")


def test_another_network_is_separate() -> None:
    assert Shell().json("servers", "--network", "other") is None


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("when", ["opening", "reading"])
def test_etcd_away_exits_with_69_and_names_the_endpoints(
    command: str, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class Dead:
        async def read(self, *_: object) -> None:
            raise StoreUnavailable("http://a:2379: refused")

    @asynccontextmanager
    async def dead_store(_: EtcdSettings) -> AsyncIterator[Store]:
        if when == "opening":
            raise StoreUnavailable("http://a:2379: refused")
        yield Dead()  # type: ignore[misc]  # as much of a Store as is asked for

    code = run_command(
        [command, "--etcd", "http://a:2379"], CommandContext(environ={}, open_store=dead_store)
    )

    err = capsys.readouterr().err
    assert code == 69
    assert err == "sidecar: error: http://a:2379: refused; check that etcd runs and that --etcd is right\n"
