"""The status page: the status of one sidecar as HTML, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape

from sidecar import __version__
from sidecar.domain.node.status import Status
from sidecar.domain.records.report import Phase

REFRESH_INTERVAL = 2  # seconds

_GOOD = {Phase.RUNNING}
_BAD = {Phase.CRASHED, Phase.RESTART_FAILED, Phase.REFUSED, Phase.REMOVED}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="{refresh}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{node}: {phase}</title>
<style>
:root {{ color-scheme: light dark; --line: #8884; --dim: #888; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto;
        padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin: 0; }}
h2 {{ font-size: 1rem; margin: 2rem 0 .5rem; }}
p {{ margin: .3rem 0; overflow-wrap: anywhere; }}
.dim {{ color: var(--dim); }}
.phase {{ border-radius: .4rem; padding: .1rem .6rem; font-size: 1rem; font-weight: 600;
          color: #fff; }}
.good {{ background: #1a7f37; }} .bad {{ background: #c62828; }} .busy {{ background: #9a6700; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .3rem .5rem .3rem 0; border-top: 1px solid var(--line);
          vertical-align: top; overflow-wrap: anywhere; }}
th {{ font-weight: 400; color: var(--dim); width: 14rem; }}
code {{ font: .93em ui-monospace, monospace; }}
</style>
</head>
<body>
<h1>{node} <span class="phase {colour}">{phase}</span></h1>
<p>{reason}</p>{rollout_block}
<p class="dim">{role} of the network <b>{network}</b>, {phase} since {since}</p>
<h2>FederatedServers</h2>
<table>{servers}</table>
<h2>Now</h2>
<table>{now}</table>
<h2>Since this sidecar started</h2>
<table>{counters}</table>
<p class="dim">sidecar {version}, <a href="/api/v1/status">as JSON</a>,
<a href="/metrics">metrics</a>, <a href="/readyz">readyz</a>. Refreshes every {refresh} s.</p>
</body>
</html>
"""


def render(status: Status) -> str:
    """Return the page; every value in it is escaped."""
    colour = "good" if status.phase in _GOOD else "bad" if status.phase in _BAD else "busy"
    return _PAGE.format(
        refresh=REFRESH_INTERVAL,
        node=escape(status.identity.node_id),
        phase=status.phase.value,
        colour=colour,
        reason=escape(status.reason),
        rollout_block=_rollout_block(status),
        role=status.identity.role.label,
        network=escape(status.network),
        since=datetime.fromtimestamp(status.phase_since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        servers="".join(_servers(status)) or _row("none yet", "there is no canonical list"),
        now="".join(_row(name, value) for name, value in _now(status)),
        counters="".join(_row(name, str(value)) for name, value in _counters(status)),
        version=__version__,
    )


def _rollout_block(status: Status) -> str:
    if status.rollout_block is None:
        return ""
    kind, _, why = status.rollout_block.partition(": ")
    return f'\n<p>The rollout is <span class="phase bad">{escape(kind)}</span> {escape(why)}</p>'


def _servers(status: Status) -> Iterator[str]:
    own = status.identity.url
    for place, text in enumerate(status.servers, 1):
        mark = " (this one)" if own and own.text == text else ""
        yield _row(f"{place}{mark}", text)


def _now(status: Status) -> Iterator[tuple[str, str]]:
    yield "leader", _yes_or_no(status.leading)
    yield "ready", _yes_or_no(status.ready)
    yield "synced with etcd", _yes_or_no(status.synced)
    yield "file up to date", _yes_or_no(status.file_up_to_date)
    yield "lease alive", _yes_or_no(status.lease_alive)
    yield "canonical version", _or_none(status.canonical_version)
    yield "loaded version", _or_none(status.loaded_version)
    yield "process", "not running" if status.pid is None else f"pid {status.pid}"
    yield "process healthy", _yes_or_no(status.healthy)


def _counters(status: Status) -> Iterator[tuple[str, int]]:
    counters = status.counters
    yield "process starts", counters.starts
    yield "process restarts", counters.restarts
    yield "process crashes", counters.crashes
    yield "file writes", counters.file_writes
    yield "rejected edits", counters.rejected_edits
    yield "etcd errors", counters.store_errors
    yield "leader terms", counters.leader_terms


def _row(name: str, value: str) -> str:
    return f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n"


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def _or_none(value: int | None) -> str:
    return "none" if value is None else str(value)
