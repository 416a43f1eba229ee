"""The status page."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from sidecar.admin.page import render
from sidecar.domain.identity import Identity, Role
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import NodeID
from tests.admin.statuses import RUNNING


class Reader(HTMLParser):
    """Collects the visible text, and every tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def test_the_page_shows_node_phase_and_reason() -> None:
    text = Reader(render(RUNNING)).text

    assert "fed-1 running the process runs, healthy, on the list of version 5" in text
    assert "server of the network default" in text
    assert "1 (this one) http://localhost:9000" in text
    assert "pid 4711" in text


def test_every_value_is_escaped() -> None:
    nasty = "<script>alert(1)</script>{x}&"
    page = Reader(render(replace(RUNNING, reason=nasty, network=nasty, servers=(nasty,))))

    assert "script" not in page.tags
    assert page.text.count(nasty) == 3


def test_the_page_of_a_new_node_has_no_values() -> None:
    early = replace(
        RUNNING,
        identity=Identity(NodeID("db-1"), Role.DATABASE, None),
        phase=Phase.WAITING,
        servers=(),
        canonical_version=None,
        loaded_version=None,
        pid=None,
    )
    text = Reader(render(early)).text

    assert "database node of the network" in text
    assert "there is no canonical list" in text
    assert "process not running" in text


def test_every_phase_has_a_colour() -> None:
    colours = {
        phase: render(replace(RUNNING, phase=phase)).partition('class="phase ')[2][:3] for phase in Phase
    }

    assert colours[Phase.RUNNING] == "goo"
    assert colours[Phase.CRASHED] == colours[Phase.REFUSED] == colours[Phase.REMOVED] == "bad"
    assert set(colours.values()) == {"goo", "bad", "bus"}


def test_the_page_refreshes_itself() -> None:
    assert '<meta http-equiv="refresh" content="2">' in render(RUNNING)


def test_the_page_shows_a_halted_rollout() -> None:
    halted = replace(RUNNING, rollout_block="halted: fed-2 died: exit code <3>")

    assert "The rollout is halted fed-2 died: exit code <3>" in Reader(render(halted)).text
    assert "The rollout" not in Reader(render(RUNNING)).text
