"""The metrics, read from a response of the admin API."""

from __future__ import annotations

import re

from sidecar.admin.metrics import render
from sidecar.domain.node.status import Status
from tools.reference.markdown import code, page, table
from tools.reference.samples import sample

INTRO = """
`GET /metrics` of the admin API, in Prometheus' text format 0.0.4. A metric without a value (no list yet, no
process) is left out.
"""


def metrics() -> str:
    """The page."""
    text = render(sample(Status))
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    rows = [
        (code(name), kinds[name], ", ".join(code(label) for label in _labels(text, name)), about)
        for name, about in re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE)
    ]
    return page("Metrics", INTRO, table(("metric", "type", "labels", "meaning"), rows))


def _labels(text: str, name: str) -> list[str]:
    found = re.search(rf"^{re.escape(name)}\{{(.*)\}} ", text, re.MULTILINE)
    return re.findall(r'(\w+)="', found[1]) if found else []
