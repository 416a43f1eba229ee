"""Which report under its own NodeID a node may replace."""

from __future__ import annotations

import json

from sidecar.agent.reporting.instance import Instance
from sidecar.domain.records.encoding import encode
from sidecar.domain.records.store import Entry, Revision
from tests.builders import KEYS, report, server

NODE = server(1)


def newer_report(instance: str) -> Entry:
    """The node's report as a newer version of the sidecar might write it."""
    document = json.loads(encode(report(NODE))) | {"format": 2, "instance": instance}
    return Entry(KEYS.report(NODE.node_id), json.dumps(document).encode(), Revision(9), Revision(9))


def test_a_newer_report_of_another_instance_is_not_replaced() -> None:
    why = Instance(NODE, "mine", "here", "0").why_node_id_taken(newer_report("other"))

    assert "the NodeID fed-1 is taken by a node of another version" in why
    assert "format 2 is too new" in why


def test_a_newer_report_of_its_own_instance_is_replaced() -> None:
    assert Instance(NODE, "mine", "here", "0").why_node_id_taken(newer_report("mine")) == ""
