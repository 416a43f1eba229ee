"""The leader's decision, as a function of what it knows."""

from __future__ import annotations

from sidecar.domain.identity import Role
from sidecar.domain.leader.decide import Step, decide, why_idle
from sidecar.domain.membership.cleanup import OUTCOME_RETENTION
from sidecar.domain.network.context import Leader
from sidecar.domain.network.snapshot import read_network
from sidecar.domain.records.canonical import VersionedServers
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Tombstone
from sidecar.domain.records.requests import RequestKind
from sidecar.domain.records.store import Compare, Entry, Listing, Revision, Target
from sidecar.domain.servers import NodeID
from tests.builders import (
    KEYS,
    TERM,
    THREE,
    apply_transaction,
    canonical,
    join,
    network,
    operator_request,
    server,
    servers,
    url,
)
from tests.domain.leader_kit import LEADER, NOW, converged_records, run_leader


def first_step(records: dict[str, Record], leader: Leader = LEADER) -> Step:
    step = decide(network(records), leader, NOW)
    assert step is not None
    return step


def test_a_converged_network_needs_no_write() -> None:
    assert decide(network(converged_records()), LEADER, NOW) is None


def test_the_first_leader_publishes_its_own_list_create_only() -> None:
    step = first_step({})
    assert Compare(KEYS.canonical, Target.MODIFIED, Revision(0)) in step.transaction.compares
    published = run_leader(network({})).canonical
    assert published is not None
    assert (published.version, published.servers) == (1, THREE)


def test_after_data_loss_the_version_continues_from_the_last_known_one() -> None:
    leader = Leader(
        TERM, bootstrap_list=VersionedServers(7, THREE), last_known_good=VersionedServers(7, THREE)
    )
    published = run_leader(network({}), leader).canonical
    assert published is not None
    assert published.version == 8


def test_a_leader_that_may_not_publish_waits_for_a_list() -> None:
    leader = Leader(TERM, bootstrap_list=None, last_known_good=None)
    assert decide(network({}), leader, NOW) is None
    assert why_idle(network({}), leader) is not None


def test_every_write_is_fenced_by_the_candidacy_and_its_inputs() -> None:
    step = first_step(converged_records() | {KEYS.request("join-fed-4"): join(server(4, 9004), 9000, 9004)})
    compares = {(compare.key, compare.target): compare.revision for compare in step.transaction.compares}
    assert compares[(TERM.key, Target.CREATED)] == TERM.create_revision
    assert compares[(KEYS.canonical, Target.MODIFIED)] == 1
    assert compares[(KEYS.policy, Target.MODIFIED)] == 0
    assert compares[(KEYS.request("join-fed-4"), Target.MODIFIED)] == 9


def test_outcomes_are_deleted_after_their_retention() -> None:
    end = run_leader(
        network(converged_records() | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-99")})
    )
    assert end.requests
    step = decide(end, LEADER, NOW + OUTCOME_RETENTION + 1)
    assert step is not None
    assert not apply_transaction(end, step.transaction).requests


def test_an_unreadable_or_untrusted_list_gets_no_next_version() -> None:
    garbage = Listing(Revision(3), {KEYS.canonical: Entry(KEYS.canonical, b"{}", Revision(1), Revision(1))})
    assert decide(read_network(KEYS, garbage), LEADER, NOW) is None
    assert why_idle(read_network(KEYS, garbage), LEADER) is not None
    mutilated = network({KEYS.canonical: canonical(9000, version=2)})
    assert decide(mutilated, LEADER, NOW) is None
    assert "not obeyed" in (why_idle(mutilated, LEADER) or "")


def test_a_tombstone_keeps_a_url_out_of_a_republished_list() -> None:
    tombstone = Tombstone(NodeID("fed-3"), url(9002), Role.FEDERATED, "2026-01-01T00:00:00Z", "me", "")
    end = run_leader(network({KEYS.tombstone("fed-3"): tombstone}))
    assert end.canonical is not None
    assert end.canonical.servers == servers(9000, 9001)
