from __future__ import annotations

import gc
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from anyio.abc import ByteStream
from anyio.streams.tls import TLSListener
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sidecar.adapters.probes.choose import choose_probe, parse_probe
from sidecar.adapters.probes.command import ExecProbe
from sidecar.adapters.probes.explained import ExplainedProbe
from sidecar.adapters.probes.http import HttpProbe
from sidecar.adapters.probes.tcp import TcpProbe
from sidecar.adapters.probes.uptime import UptimeProbe
from sidecar.adapters.processes.launch import tracked_pids
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.node.health import Health
from sidecar.domain.node.process import Exited, NoProcess, NotLaunched, ProcessState, Running
from sidecar.domain.servers import ServerList, ServerUrl
from sidecar.ports import Probe
from tests.kit.processes import is_alive, read_pid

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port that accepts nothing: its backlog is full, so a connect hangs."""
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        first.connect(("127.0.0.1", port))
        yield port


@asynccontextmanager
async def server(
    answer: Callable[[ByteStream], Awaitable[None]], host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Serve ``answer`` on a free port."""
    async with (
        await anyio.create_tcp_listener(local_host=host) as listener,
        anyio.create_task_group() as group,
    ):
        group.start_soon(listener.serve, answer)
        yield int(listener.extra(anyio.abc.SocketAttribute.local_port))
        group.cancel_scope.cancel()


def saying(text: bytes) -> Callable[[ByteStream], Awaitable[None]]:
    async def answer(stream: ByteStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(text)

    return answer


async def hanging_up(stream: ByteStream) -> None:
    async with stream:
        await stream.receive()


async def silent(stream: ByteStream) -> None:
    async with stream:
        await anyio.sleep_forever()


# TCP


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_process_that_accepts_a_connection_is_healthy(host: str) -> None:
    async with server(silent, host) as port:
        health = await TcpProbe(host, port).check()
    shown = f"[{host}]" if ":" in host else host
    assert health == Health(True, f"tcp://{shown}:{port} accepts connections")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_localhost_is_both_of_its_addresses(host: str) -> None:
    async with server(silent, host) as port:
        assert (await TcpProbe("localhost", port).check()).healthy
    async with server(saying(b"HTTP/1.1 200 OK\r\n\r\n"), host) as port:
        assert (await HttpProbe(f"http://localhost:{port}/").check()).healthy


async def test_a_port_without_a_listener_is_not_healthy(free_port: int) -> None:
    health = await TcpProbe("localhost", free_port).check()
    assert health == Health(False, f"tcp://localhost:{free_port}: Connection refused")


async def test_a_connect_that_hangs_ends_in_time(deaf: int) -> None:
    health = await TcpProbe("127.0.0.1", deaf, timeout=0.1).check()
    assert health == Health(False, f"tcp://127.0.0.1:{deaf} does not answer within 0.1 s")


@pytest.mark.parametrize("name", ["no-such-host.invalid", "x" * 70, "a..b", "\ud800"])
async def test_a_name_that_does_not_resolve_is_not_healthy(name: str) -> None:
    for probe in (TcpProbe(name, 80, 5), HttpProbe(f"http://{name}/", 5)):
        health = await probe.check()
        assert not health.healthy
        assert name in health.reason


async def test_a_name_is_resolved() -> None:
    async with server(silent) as port:
        # No address to inet_pton(3), so the resolver is asked.
        assert (await TcpProbe("127.1", port).check()).healthy


async def test_a_tcp_check_costs_next_to_nothing() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        probe = TcpProbe("127.0.0.1", listener.getsockname()[1])
        gc.disable()  # a collection of what other tests left is not a probe's doing
        try:
            started = time.thread_time()
            for _ in range(50):
                assert (await probe.check()).healthy
            # Half a millisecond each is the promise; a slow machine gets four times that.
            assert (time.thread_time() - started) / 50 < 0.002
        finally:
            gc.enable()


# HTTP


@pytest.mark.parametrize(
    ("status", "healthy"),
    [(200, True), (204, True), (302, True), (399, True), (404, False), (500, False), (199, False)],
)
async def test_2xx_and_3xx_are_healthy(status: int, healthy: bool) -> None:
    async with server(saying(b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n\r\n" % status)) as port:
        url = f"http://127.0.0.1:{port}/health"
        assert await HttpProbe(url).check() == Health(healthy, f"{url} answers {status}")


async def test_the_request_is_one_that_any_server_understands() -> None:
    asked: list[bytes] = []

    async def answer(stream: ByteStream) -> None:
        async with stream:
            asked.append(await stream.receive())
            await stream.send(b"HTTP/1.0 200\r\n\r\n")

    async with server(answer) as port:
        assert (await HttpProbe(f"http://127.0.0.1:{port}/a/b?c=d").check()).healthy
        assert (await HttpProbe(f"http://127.0.0.1:{port}?c=d").check()).healthy
    assert asked[0].startswith(b"GET /a/b?c=d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port)
    assert asked[0].endswith(b"Connection: close\r\n\r\n")
    assert asked[1].startswith(b"GET /?c=d HTTP/1.1\r\n")


async def test_an_answer_in_pieces_is_read_whole() -> None:
    async def answer(stream: ByteStream) -> None:
        async with stream:
            for piece in (b"HT", b"TP/1.1 2", b"0", b"0 OK\r", b"\n"):
                await stream.send(piece)

    async with server(answer) as port:
        assert (await HttpProbe(f"http://127.0.0.1:{port}/").check()).healthy


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9\r\n", "answers, but not with HTTP"),
        (b"HTTP/1.1 two hundred\r\n", "answers, but not with HTTP"),
        (b"x" * 10_000, "answers, but not with HTTP"),
        (b"HTTP/1.1 200", "closed the connection without an answer"),
    ],
)
async def test_what_is_not_http_is_not_healthy(text: bytes, reason: str) -> None:
    async with server(saying(text)) as port:
        health = await HttpProbe(f"http://127.0.0.1:{port}/").check()
    assert not health.healthy
    assert reason in health.reason


async def test_a_server_that_hangs_up_is_not_healthy() -> None:
    async with server(hanging_up) as port:
        health = await HttpProbe(f"http://127.0.0.1:{port}/").check()
    assert not health.healthy
    assert "closed the connection without an answer" in health.reason


async def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    async with server(silent) as port:
        url = f"http://127.0.0.1:{port}/"
        health = await HttpProbe(url, timeout=0.1).check()
    assert health == Health(False, f"{url} does not answer within 0.1 s")


async def test_a_url_without_a_listener_is_not_healthy(free_port: int) -> None:
    url = f"http://localhost:{free_port}/"
    health = await HttpProbe(url).check()
    assert health == Health(False, f"{url}: Connection refused")


async def test_https_is_asked_without_trusting_the_certificate(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    secure = TLSListener(listener, context, standard_compatible=False)
    async with secure, anyio.create_task_group() as group:
        group.start_soon(secure.serve, saying(b"HTTP/1.1 200 OK\r\n\r\n"))
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        for host in ("127.0.0.1", "localhost"):
            assert (await HttpProbe(f"https://{host}:{port}/").check()).healthy
        group.cancel_scope.cancel()


async def test_https_to_a_server_without_it_is_not_healthy() -> None:
    async with server(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        health = await HttpProbe(f"https://127.0.0.1:{port}/").check()
    assert not health.healthy


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "server.pem"
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path


# Commands


async def test_a_command_that_exits_with_0_is_healthy() -> None:
    assert await ExecProbe(("true",)).check() == Health(True, "exec:true exits with 0")


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -TERM $$", 143)])
async def test_a_command_that_exits_with_anything_else_is_not(script: str, code: int) -> None:
    health = await ExecProbe(("sh", "-c", script)).check()
    assert health == Health(False, f"exec:sh exits with {code}")


async def test_a_command_that_is_not_there_is_not_healthy() -> None:
    health = await ExecProbe(("no-such-command-anywhere",)).check()
    assert not health.healthy
    assert "it is in no folder of PATH" in health.reason


async def test_a_command_that_takes_too_long_is_killed_whole(tmp_path: Path) -> None:
    script = f"trap '' TERM; sleep 1000 & echo $! > {tmp_path}/member; wait"
    probe = ExecProbe(("sh", "-c", script), timeout=5.0)
    async with anyio.create_task_group() as group:
        answers: list[Health] = []

        async def check() -> None:
            answers.append(await probe.check())

        group.start_soon(check)
        member = await read_pid(tmp_path / "member")
    assert answers == [Health(False, "exec:sh takes longer than 5 s; it was killed")]
    assert not is_alive(member)
    assert not tracked_pids()


async def test_a_check_that_is_cancelled_leaves_no_command_behind(tmp_path: Path) -> None:
    script = f"echo $$ > {tmp_path}/leader; exec sleep 1000"
    async with anyio.create_task_group() as group:
        group.start_soon(ExecProbe(("sh", "-c", script), timeout=60).check)
        leader = await read_pid(tmp_path / "leader")
        group.cancel_scope.cancel()
    assert not is_alive(leader)
    assert not tracked_pids()


async def test_what_a_command_leaves_behind_is_killed(tmp_path: Path) -> None:
    script = f"sleep 1000 & echo $! > {tmp_path}/member"
    assert (await ExecProbe(("sh", "-c", script)).check()).healthy
    assert not is_alive(await read_pid(tmp_path / "member"))


async def test_a_command_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    script = "print('out'); import sys; print('err', file=sys.stderr)"
    assert (await ExecProbe((sys.executable, "-c", script), timeout=20).check()).healthy
    assert capfd.readouterr() == ("", "")


# Being alive


@pytest.mark.parametrize(
    ("state", "now", "health"),
    [
        (NotLaunched(), 5.0, Health(False, "the process does not run")),
        (Exited(1, 6.0, 1), 5.0, Health(False, "the process does not run")),
        (NoProcess(), 5.0, Health(True, "there is no process to manage")),
        (Running(7, 4.0, ServerList(())), 5.5, Health(False, "running for 1.5 s; healthy after 2 s")),
        (Running(7, 4.0, ServerList(())), 6.0, Health(True, "running for at least 2 s")),
    ],
)
async def test_a_process_that_ran_for_two_seconds_is_healthy(
    state: ProcessState, now: float, health: Health
) -> None:
    assert await UptimeProbe(lambda: state, clock=lambda: now).check() == health


# The syntax


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

    own, platform = ServerUrl.parse("https://fed-1.example"), Said(Health(False, "no image"))
    asked = choose_probe("tcp://a:1", own_url=own, state=state, platform=platform)
    assert asked == ExplainedProbe(TcpProbe("a", 1), platform)
    asked = choose_probe(None, own_url=own, state=state, platform=platform)
    assert asked == ExplainedProbe(TcpProbe("fed-1.example", 443), platform)
    assert choose_probe(None, own_url=None, state=state, platform=platform) is platform


class Said:
    """A probe that says ``health``, or, with None, nothing for ever."""

    def __init__(self, health: Health | None) -> None:
        self.health = health

    async def check(self) -> Health:
        if self.health is None:
            await anyio.sleep_forever()
            raise AssertionError("it said nothing for ever")
        return self.health


REFUSED, WELL = Health(False, "Connection refused"), Health(True, "answers 200")


@pytest.mark.parametrize(
    ("found", "platform", "reported"),
    [
        (REFUSED, Health(False, "it waits: no image"), "Connection refused; it waits: no image"),
        (REFUSED, Health(True, "container fed-1 runs"), "Connection refused"),
        (REFUSED, None, "Connection refused"),
    ],
    ids=["the platform knows why", "it knows of nothing", "it does not answer"],
)
async def test_what_the_platform_says_explains_a_failure(
    found: Health, platform: Health | None, reported: str
) -> None:
    assert await ExplainedProbe(Said(found), Said(platform), timeout=0.1).check() == Health(False, reported)


async def test_what_answers_is_healthy_and_the_platform_is_not_asked() -> None:
    assert await ExplainedProbe(Said(WELL), Said(None), timeout=1e9).check() == WELL


async def test_the_platforms_word_is_good_for_a_while() -> None:
    class Counted(Said):
        asked = 0

        async def check(self) -> Health:
            self.asked += 1
            return await super().check()

    found, platform = Said(REFUSED), Counted(Health(False, "no image"))
    probe = ExplainedProbe(found, platform)
    for _ in range(3):
        assert (await probe.check()).reason == "Connection refused; no image"
    assert platform.asked == 1
    found.health = WELL
    assert await probe.check() == WELL
    found.health, platform.health = REFUSED, Health(False, "exit code 3")
    # What was said before it was healthy is of another failure.
    assert (await probe.check()).reason == "Connection refused; exit code 3"
