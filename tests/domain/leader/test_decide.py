"""The leader's decision, as a function of what it knows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.identity import Role
from sidecar.domain.leader.decide import Step, decide, why_idle
from sidecar.domain.membership.cleanup import OUTCOME_RETENTION
from sidecar.domain.membership.join_batching import MAX_BATCH_DELAY
from sidecar.domain.network.context import Leader
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.records.canonical import VersionedServers
from sidecar.domain.records.encoding import Record, decode
from sidecar.domain.records.membership import Member, Tombstone, Verdict, VerdictKind
from sidecar.domain.records.policy import Admission, Policy
from sidecar.domain.records.report import Phase
from sidecar.domain.records.requests import OutcomeKind, Request, RequestKind
from sidecar.domain.records.rollout import Grant
from sidecar.domain.records.store import Compare, Entry, Listing, Revision, Target
from sidecar.domain.records.tokens import JoinToken, TokenRecord
from sidecar.domain.servers import NodeID
from tests.builders import (
    DATABASE,
    KEYS,
    TERM,
    THREE,
    apply_transaction,
    canonical,
    join,
    listing,
    network,
    operator_request,
    report,
    server,
    servers,
    url,
)
from tests.domain.leader_kit import LEADER, NOW, run_leader


def first_step(records: dict[str, Record], leader: Leader = LEADER) -> Step:
    step = decide(network(records), leader, NOW)
    assert step is not None
    return step


def member(number: int) -> Member:
    who = server(number)
    return Member(who.node_id, who.role, who.url, "2026-01-01T00:00:00Z")


def standing() -> dict[str, Record]:
    """Three servers, in step on version 1."""
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001, 9002),
        KEYS.last_healthy: canonical(9000, 9001, 9002),
    }
    for number in (1, 2, 3):
        records[KEYS.report(server(number).node_id)] = report(server(number))
        records[KEYS.member(server(number).node_id)] = member(number)
    return records


def test_a_converged_network_needs_no_write() -> None:
    assert decide(network(standing()), LEADER, NOW) is None


def test_the_first_leader_publishes_its_own_list_create_only() -> None:
    step = first_step({})
    assert Compare(KEYS.canonical, Target.MODIFIED, Revision(0)) in step.transaction.compares
    published = run_leader(network({})).canonical
    assert published is not None
    assert (published.version, published.servers) == (1, THREE)


def test_after_data_loss_the_version_continues_from_the_last_known_one() -> None:
    leader = Leader(TERM, initial=VersionedServers(7, THREE), last_known_good=VersionedServers(7, THREE))
    published = run_leader(network({}), leader).canonical
    assert published is not None
    assert published.version == 8


def test_a_leader_that_may_not_publish_waits_for_a_list() -> None:
    leader = Leader(TERM, initial=None, last_known_good=None)
    assert decide(network({}), leader, NOW) is None
    assert why_idle(network({}), leader) is not None


def test_every_write_is_fenced_by_the_candidacy_and_its_inputs() -> None:
    step = first_step(standing() | {KEYS.request("join-fed-4"): join(server(4, 9004), 9000, 9004)})
    compares = {(compare.key, compare.target): compare.revision for compare in step.transaction.compares}
    assert compares[(TERM.key, Target.CREATED)] == TERM.create_revision
    assert compares[(KEYS.canonical, Target.MODIFIED)] == 1
    assert compares[(KEYS.policy, Target.MODIFIED)] == 0
    assert compares[(KEYS.request("join-fed-4"), Target.MODIFIED)] == 9


def test_a_newcomer_that_names_a_member_is_appended() -> None:
    end = run_leader(network(standing() | {KEYS.request("join-fed-4"): join(server(4, 9004), 9000, 9004)}))
    assert end.canonical is not None
    assert end.canonical.servers == servers(9000, 9001, 9002, 9004)
    assert end.canonical.version == 2
    assert not end.requests


def test_ten_newcomers_at_once_make_one_version_in_the_order_they_asked() -> None:
    ports = range(9010, 9020)
    requests: dict[str, Record] = {
        KEYS.request(f"join-fed-{port}"): join(server(port, port), 9000, port) for port in ports
    }
    end = run_leader(network(standing() | requests))
    assert end.canonical is not None
    assert end.canonical.version == 2
    assert end.canonical.servers == servers(9000, 9001, 9002, *ports)


def crowd(count: int) -> dict[str, Record]:
    """The wishes to join of ``count`` newcomers."""
    ports = range(10_000, 10_000 + count)
    return {KEYS.request(f"join-fed-{port}"): join(server(port, port), 9000, port) for port in ports}


@pytest.mark.parametrize(("newcomers", "versions"), [(300, 1), (2500, 3)])
def test_a_storm_makes_one_version_in_several_transactions(newcomers: int, versions: int) -> None:
    end = run_leader(network(standing() | crowd(newcomers)))
    for more in range(1, versions):
        end = run_leader(end, now=NOW + more * MAX_BATCH_DELAY)
    assert end.canonical is not None
    assert (end.canonical.version, len(end.canonical.servers)) == (1 + versions, 3 + newcomers)
    assert not end.requests


def test_each_newcomer_of_a_storm_uses_a_token_up() -> None:
    token = JoinToken.new()
    records: dict[str, Record] = {
        KEYS.policy: Policy(Admission.TOKEN),
        KEYS.token(token.id): TokenRecord(token.secret, "operator", "", uses_left=250),
        **{
            name: token.signed(wish, KEYS.network)
            for name, wish in crowd(300).items()
            if isinstance(wish, Request)
        },
    }
    end = run_leader(run_leader(network(standing() | records)), now=NOW + MAX_BATCH_DELAY)
    assert end.canonical is not None
    assert (end.canonical.version, len(end.canonical.servers)) == (2, 253)
    told = [verdict.reason for verdict in end.membership.verdicts.values()]
    assert len(told) == 50
    assert all("`sidecar token create` makes" in reason for reason in told)


def test_an_approval_during_a_storm_is_handled_right_after_it() -> None:
    records = crowd(150)
    names = [f"fed-{port}" for port in range(10_000, 10_150)]
    records |= {KEYS.request(f"yes-{name}"): operator_request(RequestKind.APPROVE, name) for name in names}
    end = run_leader(network(standing() | {KEYS.policy: Policy(Admission.MANUAL)} | records))
    assert end.canonical is not None
    assert len(end.canonical.servers) == 153
    outcomes = [request.outcome for request in end.requests.values()]
    assert len(outcomes) == 150
    assert {outcome and outcome.kind for outcome in outcomes} == {OutcomeKind.DONE}


def test_a_stranger_is_refused_with_the_reason_and_the_list_stays() -> None:
    stranger = server(8, 9008)
    end = run_leader(network(standing() | {KEYS.request("join-fed-8"): join(stranger, 9008, 9999)}))
    assert end.canonical is not None
    assert end.canonical.version == 1
    entry = end.listing.entries[KEYS.verdict(stranger.node_id)]
    verdict = decode(Verdict, entry.value, entry.key)
    assert verdict.kind is VerdictKind.REFUSED
    assert verdict.attempt == "1"
    assert "stranger" in verdict.reason


def test_a_newcomer_whose_file_does_not_name_itself_is_refused() -> None:
    end = run_leader(network(standing() | {KEYS.request("join-fed-4"): join(server(4, 9004), 9000, 9001)}))
    assert end.canonical is not None
    assert url(9004) not in end.canonical.servers
    assert KEYS.verdict(NodeID("fed-4")) in end.listing.entries


def test_a_closed_policy_admits_no_server() -> None:
    records = standing() | {KEYS.policy: Policy(Admission.CLOSED)}
    end = run_leader(network(records | {KEYS.request("join-fed-4"): join(server(4, 9004), 9000, 9004)}))
    assert end.canonical is not None
    assert len(end.canonical.servers) == 3


def test_an_unreadable_policy_admits_no_server() -> None:
    asked = listing(standing() | {KEYS.request("join-fed-4"): join(server(4, 9004), 9000, 9004)})
    garbage = Entry(KEYS.policy, b'{"admission": "clo', Revision(1), Revision(1))
    end = run_leader(read_network(KEYS, Listing(asked.revision, {**asked.entries, KEYS.policy: garbage})))
    assert end.canonical is not None
    assert len(end.canonical.servers) == 3


def test_a_node_id_of_a_live_server_cannot_be_taken_by_another() -> None:
    impostor = server(2, 9077)
    end = run_leader(network(standing() | {KEYS.request("join-fed-2"): join(impostor, 9000, 9077)}))
    assert end.canonical is not None
    assert url(9077) not in end.canonical.servers


def test_a_removed_server_leaves_the_list_and_a_tombstone() -> None:
    end = run_leader(network(standing() | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-3")}))
    assert end.canonical is not None
    assert end.canonical.servers == servers(9000, 9001)
    assert end.canonical.removed == (url(9002),)
    assert [t.node_id for t in end.membership.tombstones] == ["fed-3"]
    outcome = end.requests["r"].outcome
    assert outcome is not None
    assert (outcome.kind, outcome.version) == (OutcomeKind.DONE, 2)


def test_a_server_can_be_named_by_its_url_in_any_spelling() -> None:
    end = run_leader(
        network(
            standing() | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "HTTP://LOCALHOST:9002/")}
        )
    )
    assert end.canonical is not None
    assert end.canonical.servers == servers(9000, 9001)
    assert [t.node_id for t in end.membership.tombstones] == ["fed-3"]


def test_a_url_whose_node_was_never_seen_can_be_removed_and_readmitted() -> None:
    alone: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001, 9002)}
    end = run_leader(
        network(alone | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "http://localhost:9002")})
    )
    assert end.canonical is not None
    assert end.canonical.servers == servers(9000, 9001)
    asked = listing({KEYS.request("s"): operator_request(RequestKind.READMIT, "http://localhost:9002/")}, 50)
    end = run_leader(read_network(KEYS, Listing(Revision(50), {**end.listing.entries, **asked.entries})))
    assert not end.membership.tombstones
    assert end.canonical is not None
    assert end.canonical.removed == ()


def test_a_removed_server_that_asks_again_gets_the_removed_verdict() -> None:
    end = run_leader(network(standing() | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-3")}))
    asked = listing({KEYS.request("join-fed-3"): join(server(3), 9000, 9001, 9002)}, 50)
    end = run_leader(read_network(KEYS, Listing(Revision(50), {**end.listing.entries, **asked.entries})))
    assert end.canonical is not None
    assert end.canonical.servers == servers(9000, 9001)


def test_the_old_node_id_of_a_renamed_server_is_deleted() -> None:
    renamed = replace(server(3), node_id=NodeID("fed-3-new"))
    records = standing() | {KEYS.report(renamed.node_id): report(renamed)}
    del records[KEYS.report(NodeID("fed-3"))]
    end = run_leader(network(records))
    assert NodeID("fed-3") not in end.membership.members
    assert end.membership.members[renamed.node_id].url == url(9002)
    away = standing()
    del away[KEYS.report(NodeID("fed-3"))]
    assert NodeID("fed-3") in run_leader(network(away)).membership.members


def test_removing_a_claimant_of_a_url_keeps_the_server_that_has_it() -> None:
    holder, thief = server(2), replace(server(5), url=server(2).url)
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001, 9002),
        KEYS.member(holder.node_id): Member(holder.node_id, holder.role, holder.url, ""),
        KEYS.report(holder.node_id): report(holder),
        KEYS.report(thief.node_id): report(thief),
        KEYS.request("a"): operator_request(RequestKind.REMOVE, thief.node_id),
    }
    end = run_leader(network(records))
    assert end.canonical
    assert end.canonical.servers == THREE
    assert holder.node_id in end.membership.members
    (tombstone,) = end.membership.tombstones
    assert (tombstone.node_id, tombstone.url) == (thief.node_id, None)


def test_the_last_server_cannot_be_removed() -> None:
    alone = canonical(9000, removed=(9001, 9002))
    records: dict[str, Record] = {KEYS.canonical: alone, KEYS.member(NodeID("fed-1")): member(1)}
    end = run_leader(network(records | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-1")}))
    outcome = end.requests["r"].outcome
    assert outcome is not None
    assert outcome.kind is OutcomeKind.REFUSED
    assert end.canonical is not None
    assert end.canonical.version == 1


def test_removing_all_servers_at_once_keeps_the_last_one() -> None:
    requests: dict[str, Record] = {
        KEYS.request(f"r{number}"): operator_request(RequestKind.REMOVE, f"fed-{number}")
        for number in (1, 2, 3)
    }
    end = run_leader(network(standing() | requests))
    assert end.canonical is not None
    assert end.canonical.servers == servers(9002)


def test_repeated_removals_and_readmissions_are_explained() -> None:
    once = run_leader(
        network(standing() | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-3")})
    )
    asked = listing(
        {
            KEYS.request("s"): operator_request(RequestKind.REMOVE, "fed-3"),
            KEYS.request("t"): operator_request(RequestKind.READMIT, "fed-1"),
            KEYS.request("u"): operator_request(RequestKind.REMOVE, "nobody"),
        },
        50,
    )
    end = run_leader(read_network(KEYS, Listing(Revision(50), {**once.listing.entries, **asked.entries})))
    kinds = {name: request.outcome.kind for name, request in end.requests.items() if request.outcome}
    assert kinds == {
        "r": OutcomeKind.DONE,
        "s": OutcomeKind.DONE,
        "t": OutcomeKind.REFUSED,
        "u": OutcomeKind.REFUSED,
    }
    assert KEYS.verdict(NodeID("fed-3")) in end.listing.entries


def test_a_database_node_can_be_removed_without_touching_the_list() -> None:
    records = standing() | {
        KEYS.report(DATABASE.node_id): report(DATABASE),
        KEYS.request("r"): operator_request(RequestKind.REMOVE, "db-1"),
    }
    end = run_leader(network(records))
    assert end.canonical is not None
    assert end.canonical.version == 1
    assert [(t.node_id, t.role) for t in end.membership.tombstones] == [("db-1", Role.DATABASE)]
    assert KEYS.verdict(DATABASE.node_id) in end.listing.entries


def test_readmission_deletes_the_verdict_and_the_tombstone() -> None:
    start = run_leader(
        network(standing() | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-3")})
    )
    asked = listing({KEYS.request("s"): operator_request(RequestKind.READMIT, "fed-3")}, 50)
    end = run_leader(read_network(KEYS, Listing(Revision(50), {**start.listing.entries, **asked.entries})))
    assert KEYS.verdict(NodeID("fed-3")) not in end.listing.entries
    assert end.canonical is not None
    assert (end.canonical.version, end.canonical.removed) == (3, ())


def test_outcomes_are_deleted_after_their_retention() -> None:
    end = run_leader(
        network(standing() | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "nobody")})
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


def granted(end: Network) -> set[str]:
    return set(end.rollout.grants)


def pending(records: dict[str, Record], *numbers: int) -> dict[str, Record]:
    for number in numbers:
        who = server(number)
        records[KEYS.report(who.node_id)] = report(who, Phase.RESTART_PENDING)
    return records


def test_servers_restart_one_at_a_time_and_the_leaders_own_last() -> None:
    records = standing() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=2)}
    assert granted(run_leader(network(pending(records, 1, 2, 3)))) == {"fed-2"}
    others_done = {KEYS.report(server(n).node_id): report(server(n), loaded=2) for n in (2, 3)}
    assert granted(run_leader(network(records | others_done))) == {"fed-1"}


def test_database_nodes_restart_after_the_servers() -> None:
    records = pending(standing() | {KEYS.canonical: canonical(9000, 9001, version=2)}, 1, 2)
    records[KEYS.report(DATABASE.node_id)] = report(DATABASE, Phase.RESTART_PENDING)
    assert granted(run_leader(network(records))) == {"fed-2"}
    done = {KEYS.report(server(number).node_id): report(server(number), loaded=2) for number in (1, 2)}
    assert granted(run_leader(network(records | done))) == {"db-1"}


def test_the_next_grant_waits_until_the_last_node_is_healthy() -> None:
    records = pending(standing() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=2)}, 1, 3)
    records[KEYS.grant(NodeID("fed-2"))] = Grant(2, 5, 0.0)
    records[KEYS.report(NodeID("fed-2"))] = report(server(2), Phase.STARTING, loaded=2, healthy=False)
    assert granted(run_leader(network(records))) == {"fed-2"}
    records[KEYS.report(NodeID("fed-2"))] = report(server(2), loaded=2)
    assert granted(run_leader(network(records))) == {"fed-3"}


def test_a_node_that_vanishes_keeps_its_grant() -> None:
    records = pending(standing() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=2)}, 1, 3)
    records[KEYS.grant(NodeID("fed-2"))] = Grant(2, 5, 0.0)
    del records[KEYS.report(NodeID("fed-2"))]
    assert granted(run_leader(network(records))) == {"fed-2"}


def test_the_grant_of_a_removed_node_is_deleted() -> None:
    records = pending(standing() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=2)}, 1, 3)
    records[KEYS.grant(NodeID("fed-2"))] = Grant(2, 5, 0.0)
    del records[KEYS.report(NodeID("fed-2"))]
    records[KEYS.request("r")] = operator_request(RequestKind.REMOVE, "fed-2")
    assert granted(run_leader(network(records))) == {"fed-3"}


def test_a_granted_node_goes_straight_to_the_newest_version() -> None:
    records = pending(standing() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=5)}, 1, 2)
    records[KEYS.report(NodeID("fed-2"))] = report(server(2), Phase.RESTART_PENDING, loaded=3, healthy=False)
    records[KEYS.grant(NodeID("fed-2"))] = Grant(3, 5, 0.0)
    end = run_leader(network(records))
    assert {node: grant.version for node, grant in end.rollout.grants.items()} == {"fed-2": 5}


@given(
    phases=st.lists(st.sampled_from(list(Phase)), min_size=3, max_size=3),
    loaded=st.lists(st.integers(0, 2), min_size=3, max_size=3),
    healthy=st.lists(st.booleans(), min_size=3, max_size=3),
    held=st.sets(st.integers(1, 3), max_size=1),
    absent=st.sets(st.integers(1, 3)),
)
def test_at_most_one_serving_node_has_a_grant(
    phases: list[Phase], loaded: list[int], healthy: list[bool], held: set[int], absent: set[int]
) -> None:
    records = standing() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=2)}
    for number in (1, 2, 3):
        place = number - 1
        records[KEYS.report(server(number).node_id)] = report(
            server(number), phases[place], loaded=loaded[place], healthy=healthy[place]
        )
        if number in absent:
            del records[KEYS.report(server(number).node_id)]
    for number in held:
        records[KEYS.grant(server(number).node_id)] = Grant(2, 5, 0.0)
    assert (
        sum(not grant.already_unavailable for grant in run_leader(network(records)).rollout.grants.values())
        <= 1
    )
