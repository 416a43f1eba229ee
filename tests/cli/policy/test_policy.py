"""`sidecar policy show` and `set`: what is printed, and what is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.domain.records.store import Put, Revision, Transaction
from sidecar.ports import Store
from tests.cli.flaky_store import FlakyStore
from tests.cli.network import KEYS, USUAL, Shell

POLICY = KEYS.policy


def network(policy: Any = None) -> Shell:
    """A network with that policy: a document, raw bytes, or none."""
    value = policy if isinstance(policy, bytes) else json.dumps(policy).encode()
    return Shell(USUAL if policy is None else {**USUAL, POLICY: value})


def written(shell: Shell) -> Any:
    return json.loads(shell.records_after[POLICY]) if POLICY in shell.records_after else None


def shown(shell: Shell) -> dict[str, tuple[str, str]]:
    lines = (line.split(maxsplit=2) for line in shell("policy", "show")[1].splitlines())
    return {key: (value, origin) for key, value, origin in lines}


def test_every_rule_is_shown_with_its_source() -> None:
    rules = shown(network({"admission": "manual", "rollout": {"max_unavailable": "25%", "timeout": 60}}))

    assert rules == {
        "KEY": ("VALUE", "FROM"),
        "admission": ("manual", "set"),
        "admission_probe": ("off", "default"),
        "history": ("100", "default"),
        "rollout.max_unavailable": ("25%", "set"),
        "rollout.min_ready": ("0", "default"),
        "rollout.timeout": ("60", "set"),
        "rollout.canary": ("-", "default"),
        "rollout.on_failure": ("halt", "default"),
        "rollout.budget.restarts": ("10", "default"),
        "rollout.budget.within": ("600", "default"),
    }


def test_no_policy_means_all_defaults() -> None:
    assert {origin for _, origin in shown(network()).values()} == {"FROM", "default"}


def test_policy_as_json_has_all_rules_and_the_stored_ones() -> None:
    document = {"rollout": {"canary": "fed-2"}, "future": 1}

    answer: Any = network(document).json("policy", "show")

    assert answer["stored"] == document
    assert answer["problems"] == []
    assert answer["policy"]["rollout"]["canary"] == "fed-2"
    assert answer["policy"]["rollout"]["budget"] == {"restarts": 10, "within": 600}


def test_a_rule_of_a_newer_version_is_shown_as_unknown() -> None:
    assert shown(network({"future": {"a": [1]}}))["future.a"] == (
        "[1]",
        "set, but unknown to this version",
    )


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"admission": "opn"}, ': /admission: "opn" is not a valid Admission'),
        (b'{"history": 1 "x"', ":1:15: expected a comma or }"),
        ([], ":1:1: [] is a list; must be an object"),
        (b"\xff", ":1:1: expected a value"),
    ],
)
def test_an_invalid_policy_is_shown_with_its_errors_and_the_consequence(policy: object, said: str) -> None:
    shell = network(policy)

    code, out, err = shell("policy", "show")

    assert code == 65
    assert f"policy of network default{said}" in err
    assert "so no server is admitted, and all other rules have their defaults" in err
    assert out.splitlines()[1].split(maxsplit=2) == ["admission", "closed", "invalid policy"]


def test_policy_as_json_has_the_errors() -> None:
    code, out, _ = network({"history": 0})("policy", "show", "--json")

    answer = json.loads(out)
    assert code == 65
    assert answer["policy"]["admission"] == "closed"
    assert answer["stored"] == {"history": 0}
    assert "/history: 0 is out of range" in answer["problems"][0]


def test_set_shows_the_changes_and_keeps_the_rest() -> None:
    shell = network({"future": [1, 2], "admission": "open", "rollout": {"canary": "fed-2", "min_ready": 3}})

    code, out, err = shell(
        "policy", "set", "admission=manual", "rollout.canary=", "rollout.budget.within=90.5"
    )

    assert (code, err) == (0, "")
    assert written(shell) == {
        "format": 1,
        "future": [1, 2],
        "admission": "manual",
        "rollout": {"min_ready": 3, "budget": {"within": 90.5}},
    }
    assert out.startswith("--- policy of network default, before\n+++ policy of network default, after\n@@")
    assert '-  "admission": "open",\n+  "admission": "manual",\n' in out
    assert '-    "canary": "fed-2",\n' in out


@pytest.mark.parametrize(("value", "stored"), [("2", 2), ("25%", "25%"), ("100%", "100%")])
def test_numbers_and_percentages_keep_their_type(value: str, stored: object) -> None:
    shell = network()

    assert shell("policy", "set", f"rollout.max_unavailable={value}")[0] == 0
    assert written(shell) == {"format": 1, "rollout": {"max_unavailable": stored}}


def test_unsetting_the_last_rule_of_a_group_leaves_no_empty_group() -> None:
    shell = network({"rollout": {"budget": {"restarts": 3}}})

    shell("policy", "set", "rollout.budget.restarts=")

    assert written(shell) == {"format": 1}


def test_a_group_is_unset_as_a_whole() -> None:
    shell = network({"history": 5, "rollout": {"canary": "fed-2", "budget": {"restarts": 3}}})

    shell("policy", "set", "rollout=")

    assert written(shell) == {"format": 1, "history": 5}


@pytest.mark.parametrize("settings", [["history=100"], ["history=100", "rollout.canary="]])
def test_no_change_writes_nothing(settings: list[str]) -> None:
    shell = network(b'{ "history":100 }')

    code, out, _ = shell("policy", "set", *settings)

    assert (code, out) == (0, "no change: the policy of network default already has these values\n")
    assert shell.records_after[POLICY] == b'{ "history":100 }'


def test_unsetting_an_unset_rule_writes_nothing() -> None:
    shell = network()

    assert shell("policy", "set", "history=")[1].startswith("no change")
    assert POLICY not in shell.records_after


def test_a_dry_run_only_shows_the_changes() -> None:
    shell = network({"history": 5})

    code, out, err = shell("policy", "set", "history=6", "--dry-run")

    assert (code, err) == (0, "")
    assert '-  "history": 5\n+  "history": 6\n' in out
    assert written(shell) == {"history": 5}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["admision=open"], "unknown rule 'admision'; did you mean admission?"),
        (["canary=fed-2"], "unknown rule 'canary'; did you mean rollout.canary?"),
        (["xyzzy=1"], "unknown rule 'xyzzy'; the rules are admission, admission_probe, history, rollout.max"),
        (["=1"], "unknown rule ''; the rules are admission,"),
        (["history"], "'history' has no value: write history=VALUE, or history= to unset it"),
        (["rollout.budget=5"], "is a group: set rollout.budget.restarts, rollout.budget.within;"),
        (["history=5", "history=6"], "history is named twice"),
    ],
)
def test_a_bad_assignment_is_an_error(settings: list[str], said: str) -> None:
    shell = network({"history": 7})

    code, out, err = shell("policy", "set", *settings)

    assert (code, out) == (64, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert shell.opened == []


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("admission=opn", '/admission: "opn" is not a valid Admission; must be "open" or'),
        ("rollout.min_ready=soon", '/rollout/min_ready: "soon" is a string; must be a number from 0'),
        ("rollout.min_ready=NaN", '/rollout/min_ready: "NaN" is a string'),
        ("rollout.timeout=1e999", "/rollout/timeout: Infinity is out of range"),
        ("rollout.max_unavailable=0", "/rollout/max_unavailable: 0 is out of range"),
        ("rollout.max_unavailable=0%", '/rollout/max_unavailable: "0%" is not a valid Maximum unavailable'),
        ("rollout.canary=a b", '/rollout/canary: "a b" is not a valid Canary'),
        ("history=1.0", "/history: 1.0 is of the wrong type"),
        pytest.param("history=" + "9" * 5000, "/history: ", id="thousands-of-digits"),
    ],
)
def test_a_bad_value_is_an_error_and_nothing_is_written(setting: str, said: str) -> None:
    shell = network({"history": 7})

    code, out, err = shell("policy", "set", setting)

    assert (code, out) == (65, "")
    assert f"policy of network default: {said}" in err
    assert written(shell) == {"history": 7}


def test_set_fixes_an_invalid_policy() -> None:
    shell = network({"admission": "opn", "rollout": 5, "future": 1})

    assert shell("policy", "set", "admission=open", "rollout.min_ready=2")[0] == 0
    assert written(shell) == {"format": 1, "admission": "open", "rollout": {"min_ready": 2}, "future": 1}


def test_a_policy_of_a_newer_format_is_never_changed() -> None:
    shell = network({"format": 2, "history": 5})
    code, _, err = shell("policy", "set", "history=6")

    assert code == 65
    assert "/format: format 2 is too new: this sidecar reads format 1; upgrade this sidecar" in err
    assert written(shell) == {"format": 2, "history": 5}


def test_show_does_not_advise_to_fix_a_policy_of_a_newer_format() -> None:
    code, _, err = network({"format": 2, "history": 5})("policy", "show")

    assert code == 65
    assert "upgrade this sidecar" in err
    assert "note: a leader that cannot read this policy changes nothing" in err


def test_the_format_is_not_a_rule() -> None:
    shell = network({"format": 1, "history": 5})
    code, _, err = shell("policy", "set", "format=2")

    assert code == 64
    assert "unknown rule 'format'" in err
    assert "format" not in shown(shell)


def test_set_names_the_remaining_errors() -> None:
    code, _, err = network({"admission": "opn"})("policy", "set", "history=5")

    assert code == 65
    assert '/admission: "opn" is not a valid Admission' in err


def test_a_policy_that_is_not_json_needs_the_editor() -> None:
    shell = network(b"garbage")

    code, _, err = shell("policy", "set", "history=5")

    assert code == 65
    assert "run `sidecar policy edit`" in err
    assert shell.records_after[POLICY] == b"garbage"


class Raced(FlakyStore):
    """A store in which another operator writes the policy first."""

    async def commit(self, transaction: Transaction) -> Revision | None:
        await self._store.commit(Transaction((), (Put(POLICY, b'{"history":9}'),)))
        return await super().commit(transaction)


def raced(store: Store) -> Store:
    return Raced(store)


def test_json_is_read_as_strictly_as_by_the_leader() -> None:
    shell = network(b'{"rollout": {"timeout": NaN}}')

    assert ":1:25: /rollout/timeout: NaN is not JSON" in shell("policy", "show")[2]
    assert shell("policy", "set", "history=5")[0] == 65
    assert b"NaN" in shell.records_after[POLICY]


@pytest.mark.parametrize("policy", [None, {"history": 5}])
def test_a_concurrent_change_is_not_overwritten(policy: object) -> None:
    shell = network(policy)
    shell.wrap = raced

    code, out, err = shell("policy", "set", "history=6")

    assert (code, out) == (69, "")
    assert "the policy of network default was changed at the same time, so nothing was written" in err
    assert written(shell) == {"history": 9}


def test_an_unknown_canary_is_noted() -> None:
    shell = network()

    assert shell("policy", "set", "rollout.canary=fed-2")[2] == ""
    code, _, err = shell("policy", "set", "rollout.canary=fed-77")

    assert code == 0
    assert "note: fed-77 is not a member of this network, so no node is restarted first" in err


def test_an_empty_network_is_noted_as_a_possible_typo() -> None:
    shell = Shell({})

    code, _, err = shell("policy", "set", "history=5", "--network", "typo")

    assert code == 0
    assert "note: network typo has no list yet" in err
