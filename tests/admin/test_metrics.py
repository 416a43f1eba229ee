"""The metrics, read back by Prometheus' own parser."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from sidecar.admin.metrics import render
from sidecar.domain.identity import Identity, Role
from sidecar.domain.node.status import Status
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import NodeID
from tests.admin.statuses import RUNNING


def samples(status: Status) -> dict[tuple[str, str], float]:
    """Every sample by its name and, for the phase, its label."""
    return {
        (sample.name, sample.labels.get("phase", "")): sample.value
        for family in text_string_to_metric_families(render(status))
        for sample in family.samples
    }


def test_every_metric_has_a_type_a_help_text_and_the_prefix() -> None:
    for family in text_string_to_metric_families(render(RUNNING)):
        assert family.name.startswith("federation_sidecar_")
        assert family.type in {"gauge", "counter"}
        assert family.documentation.endswith(".")
        assert family.samples


def test_values_are_those_of_the_status() -> None:
    found = samples(replace(RUNNING, leading=False, canonical_version=123_456_789))

    assert found["federation_sidecar_leader", ""] == 0
    assert found["federation_sidecar_ready", ""] == 1
    assert found["federation_sidecar_canonical_version", ""] == 123_456_789
    assert found["federation_sidecar_phase_start_time_seconds", ""] == 1_780_000_000
    assert found["federation_sidecar_file_servers", ""] == 2
    assert found["federation_sidecar_process_restarts_total", ""] == 4
    assert found["federation_sidecar_store_errors_total", ""] == 2


def test_a_halted_rollout_can_be_alerted_on() -> None:
    halted = replace(RUNNING, rollout_block="halted: fed-2 died")
    assert 'federation_sidecar_rollout_blocked{state="halted"} 1' in render(halted).splitlines()
    assert 'federation_sidecar_rollout_blocked{state="paused"} 0' in render(halted).splitlines()
    assert 'federation_sidecar_rollout_blocked{state="halted"} 0' in render(RUNNING).splitlines()


def test_exactly_one_phase_is_1() -> None:
    for phase in Phase:
        found = samples(replace(RUNNING, phase=phase))
        on = [label for (name, label), value in found.items() if name == "federation_sidecar_phase" and value]
        assert on == [phase.value]


def test_unknown_values_are_omitted() -> None:
    found = samples(replace(RUNNING, canonical_version=None, loaded_version=None))

    assert ("federation_sidecar_canonical_version", "") not in found
    assert ("federation_sidecar_loaded_version", "") not in found


def test_labels_are_escaped() -> None:
    odd = replace(RUNNING, network='a"b\\c\nd', identity=Identity(NodeID("db"), Role.DATABASE, None))

    (info,) = (f for f in text_string_to_metric_families(render(odd)) if f.name == "federation_sidecar_info")

    assert info.samples[0].labels["network"] == 'a"b\\c\nd'
    assert info.samples[0].labels["url"] == ""
    assert info.samples[0].labels["role"] == "database"
