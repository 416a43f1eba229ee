"""Which probe a setting means."""

from __future__ import annotations

import pytest

from sidecar.adapters.probes.choose import choose_probe, parse_probe
from sidecar.adapters.probes.command import ExecProbe
from sidecar.adapters.probes.explained import ExplainedProbe
from sidecar.adapters.probes.http import HttpProbe
from sidecar.adapters.probes.tcp import TcpProbe
from sidecar.adapters.probes.uptime import UptimeProbe
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.node.health import Health
from sidecar.domain.node.process import NotLaunched, ProcessState
from sidecar.domain.servers import ServerUrl
from sidecar.ports import Probe
from tests.adapters.probes.peers import ScriptedProbe

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "probe"),
    [
        ("http://localhost:9001/health", HttpProbe("http://localhost:9001/health", 3.0)),
        ("HTTPS://host/", HttpProbe("HTTPS://host/", 3.0)),
        ("http://host/a#b", HttpProbe("http://host/a", 3.0)),
        ("tcp://localhost:9001", TcpProbe("localhost", 9001, 3.0)),
        ("tcp://[::1]:9001", TcpProbe("::1", 9001, 3.0)),
        ("exec:check-it", ExecProbe(("check-it",), 3.0)),
        ("exec:sh -c 'a | b'", ExecProbe(("sh", "-c", "a | b"), 3.0)),
    ],
)
async def test_a_probe_can_be_spelled(text: str, probe: Probe) -> None:
    assert parse_probe(text, timeout=3.0) == probe


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "none of the three kinds"),
        ("localhost:9001", "none of the three kinds"),
        ("ftp://host/", "none of the three kinds"),
        ("exec:", "names no command"),
        ("exec:'unclosed", "No closing quotation"),
        ("tcp://localhost", "names no port"),
        ("tcp://localhost:0", "names no port"),
        ("tcp://localhost:99999", "Port out of range"),
        ("tcp://:9001", "names no host"),
        ("tcp://localhost:9001/path", "more in it"),
        ("http:///path", "names no host"),
        ("http://a b/", "has a space"),
        ("http://host/a\r\nX-Evil: 1", "has a space"),
        ("http://host:port/", "Port could not be cast"),
        ("http://user:secret@host/", "carries a user name"),
        ("http://[::1/", "Invalid IPv6 URL"),
    ],
)
async def test_a_probe_that_makes_no_sense_is_a_clear_error(text: str, reason: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse_probe(text)
    assert reason in str(caught.value)
    assert "tcp://HOST:PORT" in str(caught.value)


async def test_without_a_setting_the_probe_is_the_best_there_is() -> None:
    def state() -> ProcessState:
        return NotLaunched()

    own = ServerUrl.parse("https://fed-1.example")
    assert choose_probe("tcp://a:1", own_url=own, state=state) == TcpProbe("a", 1)
    assert choose_probe(None, own_url=own, state=state) == TcpProbe("fed-1.example", 443)
    assert choose_probe(None, own_url=None, state=state) == UptimeProbe(state)


async def test_a_platform_that_runs_the_process_is_asked_as_well() -> None:
    def state() -> ProcessState:
        return NotLaunched()

    own, platform = ServerUrl.parse("https://fed-1.example"), ScriptedProbe(Health(False, "no image"))
    asked = choose_probe("tcp://a:1", own_url=own, state=state, platform=platform)
    assert asked == ExplainedProbe(TcpProbe("a", 1), platform)
    asked = choose_probe(None, own_url=own, state=state, platform=platform)
    assert asked == ExplainedProbe(TcpProbe("fed-1.example", 443), platform)
    assert choose_probe(None, own_url=None, state=state, platform=platform) is platform
