"""What follows from a view."""

from __future__ import annotations

from sidecar.domain.node.facts import Facts
from sidecar.domain.records.canonical import VersionedServers
from tests.builders import DATABASE, THREE, canonical, changed, document, node_view, server, servers
from tests.domain.node.views import booting, in_step


def test_only_a_listed_server_or_the_first_one_may_campaign() -> None:
    assert Facts.of(in_step()).may_campaign
    assert not Facts.of(in_step(canonical=canonical(9001, 9002))).may_campaign
    assert Facts.of(booting(canonical=None)).may_campaign
    assert not Facts.of(booting(canonical=None, may_bootstrap=False)).may_campaign
    assert not Facts.of(booting(synced=False)).may_campaign


def test_a_server_missing_from_its_own_list_starts_no_network() -> None:
    view = node_view(server(9, 9099), synced=True, document=document(9000, 9001))
    assert not Facts.of(view).may_campaign
    assert Facts.of(changed(view, identity=server(1))).may_campaign


def test_the_last_known_good_list_is_published_not_the_file() -> None:
    view = booting(canonical=None, document=document(9000, 9666), last_known_good=VersionedServers(3, THREE))
    assert Facts.of(view).bootstrap_list == VersionedServers(3, THREE)
    assert Facts.of(changed(view, may_bootstrap=False)).bootstrap_list is None
    without = changed(view, last_known_good=None)
    assert Facts.of(without).bootstrap_list == VersionedServers(0, servers(9000, 9666))


def test_a_lost_list_is_republished_from_the_last_one_obeyed() -> None:
    view = node_view(
        server(1),
        synced=True,
        canonical=canonical(9000, 9001, 9002, 9004, version=5),
        document=document(9000, 9001, 9002),  # a disk that is full
        last_known_good=VersionedServers(3, THREE),
    )
    assert Facts.of(view).bootstrap_list == VersionedServers(5, servers(9000, 9001, 9002, 9004))


def test_the_file_of_an_unlisted_server_is_not_the_networks() -> None:
    assert Facts.of(booting()).file_target == THREE
    assert Facts.of(booting(canonical=canonical(9001, 9002))).file_target is None
    assert Facts.of(booting(canonical=canonical(9001, 9002, removed=(9000,)))).file_target is None
    assert Facts.of(booting(identity=DATABASE)).file_target == THREE


def test_the_process_may_start_on_a_checked_file_only() -> None:
    assert Facts.of(booting()).may_start
    assert not Facts.of(booting(document=document(9000, 9666))).may_start
    assert not Facts.of(booting(problem="broken")).may_start
    assert not Facts.of(booting(node_id_taken_reason="the NodeID is another's")).may_start
    assert not Facts.of(booting(canonical=None)).may_start
