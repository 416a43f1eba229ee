"""The final state of everything."""

from __future__ import annotations

from sidecar_demo.conditions import files_hold, start_counts_match
from sidecar_demo.network import DemoNetwork
from sidecar_demo.steps.step import Step


def _final_state(network: DemoNetwork) -> None:
    members, node_names = network.members, [node.name for node in network.members]
    network.screen.files(members)
    network.checks.expect(
        "every file has the same list", files_hold(members, network.expected_servers), *node_names
    )
    network.checks.expect(
        "each process was started as often as expected",
        start_counts_match(members, network.expected_starts),
        *node_names,
    )


FINAL_STATE = Step("Every file, side by side", "FederatedServers as it is now in each file.", _final_state)
