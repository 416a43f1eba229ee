"""`history` and `diff`: the versions of the list that are kept."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from sidecar.domain.records.canonical import Canonical, Change, ChangeKind
from sidecar.domain.records.rollout import Quarantine
from sidecar.domain.servers import NodeID, ServerUrl
from tests.cli.network import KEYS, ONE, THREE, TWO, USUAL, Shell, canonical


def version(number: int, *urls: ServerUrl, cause: tuple[Change, ...]) -> Canonical:
    return replace(canonical(number, *urls), cause=cause)


FIRST = version(3, ONE, TWO, cause=(Change(ChangeKind.BOOTSTRAP, NodeID("fed-1")),))
SECOND = version(
    4,
    ONE,
    TWO,
    THREE,
    cause=(Change(ChangeKind.REMOVE, NodeID("fed-9"), by="ann@host", reason="old [disk]"),),
)
RECORDS = USUAL | {
    KEYS.history(3): FIRST,
    KEYS.history(4): SECOND,
    KEYS.history(5): canonical(5, THREE, ONE),
    KEYS.canonical: canonical(5, THREE, ONE),
    KEYS.last_healthy: FIRST,
    KEYS.quarantine(4): Quarantine(4, SECOND.servers, "fed-2 died", "2026-05-04T11:00:00Z"),
}


def test_the_newest_version_comes_first() -> None:
    found = Shell(RECORDS).json("history")

    assert isinstance(found, list)
    assert [each["version"] for each in found] == [5, 4, 3]
    assert [each["current"] for each in found] == [True, False, False]
    assert [each["healthy"] for each in found] == [False, False, True]
    assert [each["quarantine_reason"] for each in found] == [None, "fed-2 died", None]
    assert found[2]["FederatedServers"] == ["http://localhost:9000", "http://localhost:9001"]
    assert found[0]["cause"] == [{"kind": "join", "node_id": "fed-3", "url": "http://localhost:9002"}]


def test_people_get_one_line_for_each_version_with_its_causes() -> None:
    _, out, _ = Shell(RECORDS)("history")

    titles, newest, middle, oldest = (re.split(" {2,}", line) for line in out.splitlines())
    assert titles == ["VERSION", "AT", "BY", "SERVERS", "IS", "CAUSE"]
    assert newest == ["5", "2026-05-04T10:00:00Z", "fed-1", "2", "current", "join fed-3"]
    assert middle[3:] == ["3", "quarantined", "remove fed-9 by ann@host (old [disk])"]
    assert oldest[3:] == ["2", "healthy", "bootstrap fed-1"]


def test_many_causes_stay_one_line() -> None:
    many = tuple(Change(ChangeKind.JOIN, NodeID(f"fed-{number}")) for number in range(100))

    _, out, _ = Shell({KEYS.canonical: version(5, ONE, cause=many)})("history")

    assert out.endswith("join fed-0; join fed-1; join fed-2; and 97 more\n")


def test_a_rollback_shows_version_reason_and_operator() -> None:
    back = (Change(ChangeKind.ROLLBACK, by="ann@host", reason="rolled back to version 3: it hurt"),)

    _, out, _ = Shell({KEYS.canonical: version(5, ONE, cause=back)})("history")

    assert "rolled back to version 3: it hurt, by ann@host" in out


def test_only_the_newest_n_are_shown() -> None:
    found = Shell(RECORDS).json("history", "-n", "2")

    assert isinstance(found, list)
    assert [each["version"] for each in found] == [5, 4]


@pytest.mark.parametrize("count", ["0", "-1", "many", "1.5"])
def test_a_bad_number_is_a_usage_error(count: str) -> None:
    code, _, err = Shell(RECORDS)("history", "-n", count)

    assert code == 64
    assert "-n" in err


def test_an_unreadable_version_is_left_out_with_a_warning() -> None:
    code, out, err = Shell(RECORDS | {KEYS.history(3): b"{"})("history")

    assert code == 0
    assert "\n3 " not in out
    assert KEYS.history(3) in err


def test_diff_shows_added_and_removed_servers_with_their_nodes() -> None:
    code, out, _ = Shell(RECORDS)("diff", "3")

    assert code == 0
    assert out.splitlines() == [
        "--- version 3, by fed-1 at 2026-05-04T10:00:00Z: bootstrap fed-1",
        "+++ version 5, by fed-1 at 2026-05-04T10:00:00Z: join fed-3",
        "@@ -1,2 +1,2 @@",
        "+http://localhost:9002  fed-3",
        " http://localhost:9000  fed-1",
        "-http://localhost:9001  fed-2",
    ]


def test_diff_as_json_has_added_and_removed_servers() -> None:
    assert Shell(RECORDS).json("diff", "3", "4") == {
        "format": 1,
        "from_version": 3,
        "to_version": 4,
        "added": [{"url": "http://localhost:9002", "node_id": "fed-3"}],
        "removed": [],
    }


def test_the_node_of_a_removed_server_is_known_by_its_tombstone() -> None:
    gone = ServerUrl.parse("http://localhost:9009")
    records = RECORDS | {KEYS.history(3): canonical(3, ONE, gone)}

    assert "-http://localhost:9009  fed-9\n" in Shell(records)("diff", "3", "4")[1]


def test_the_spelling_of_a_url_is_not_a_change() -> None:
    spelled = replace(FIRST, servers=FIRST.servers.parse(["HTTP://LOCALHOST:9000/", "http://localhost:9001"]))

    _, out, _ = Shell(RECORDS | {KEYS.history(2): replace(spelled, version=2)})("diff", "2", "3")

    assert out == "versions 2 and 3 have the same list\n"


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")

    _, out, _ = Shell(RECORDS, terminal=True)("diff", "3")

    assert "\x1b[31m-http://localhost:9001  fed-2\x1b[0m" in out


def test_an_unkept_version_lists_the_kept_ones() -> None:
    code, out, err = Shell(RECORDS)("diff", "1", "4")

    assert (code, out) == (64, "")
    assert (
        err
        == "sidecar: error: version 1 is not kept; the history has versions 3 to 5: see `sidecar history`\n"
    )


@pytest.mark.parametrize("text", ["0", "-3", "four", "1.5"])
def test_a_bad_version_is_a_usage_error(text: str) -> None:
    assert Shell(RECORDS)("diff", text)[0] == 64


def test_without_a_list_there_is_nothing_to_compare() -> None:
    code, _, err = Shell({})("diff", "1")

    assert code == 69
    assert "network default has no list" in err
