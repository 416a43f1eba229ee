"""The endpoint driver, on a real server that answers well and badly."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.drivers.endpoint import EndpointDriver
from sidecar.domain.errors import DriverError
from tests.builders import servers

pytestmark = pytest.mark.anyio

TOKEN = "hush-hush-4711"
LIST = servers(9000, 9001)
STATUS: dict[str, Any] = {
    "state": "running",
    "generation": 3,
    "pid": 4711,
    "startedAt": 1790000000000,
    "reason": "",
    "FederatedServers": LIST.texts(),
}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
def anyio_backend() -> str:
    """The only one that aiohttp runs on."""
    return "asyncio"


@dataclass(slots=True)
class Program:
    """A program's endpoint, which answers each request as ``answer`` does; and a driver of it."""

    token_file: Path
    answer: Answer = field(init=False)
    requests: list[web.Request] = field(default_factory=list)
    url: str = ""

    @property
    def driver(self) -> EndpointDriver:
        return EndpointDriver(self.url, self.url, self.token_file)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return await self.answer(request)

    async def observe(self) -> Incarnation | None:
        return await self.driver.observe()

    async def error(self) -> str:
        """What a look says is wrong."""
        with pytest.raises(DriverError) as caught:
            await self.observe()
        return str(caught.value)


def answering(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        text = document if isinstance(document, str) else json.dumps(document)
        return web.Response(text=text, status=status, headers=headers)

    return answer


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    token_file = tmp_path / "token"
    token_file.write_text(f"{TOKEN}\nonly the first line counts\n")
    served = Program(token_file)
    served.answer = answering(STATUS)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hot-reload"
    yield served
    await runner.cleanup()


async def test_it_reports_the_generation_and_its_list(program: Program) -> None:
    assert await program.observe() == Incarnation("4711 3 1790000000000", 4711, None, LIST, "")
    (request,) = program.requests
    assert (request.method, request.path) == ("GET", "/hot-reload")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"


async def test_a_restarted_container_is_another_incarnation(
    program: Program,
) -> None:
    first = {**STATUS, "pid": 1, "generation": 1}
    program.answer = answering(first)
    before = await program.observe()
    program.answer = answering({**first, "startedAt": STATUS["startedAt"] + 1})
    after = await program.observe()
    assert before is not None
    assert after is not None
    assert before.id != after.id


async def test_words_that_could_not_be_kept_are_made_so_that_they_can(program: Program) -> None:
    program.answer = answering({**STATUS, "state": "failed", "reason": "half a \ud83d" + "!" * 10_000})
    incarnation = await program.observe()
    assert incarnation is not None
    assert incarnation.unready_reason.startswith("it says that it is failed: half a ?!!")
    assert len(incarnation.unready_reason.encode()) < 1000


async def test_a_restart_is_an_empty_post(program: Program) -> None:
    program.answer = answering(STATUS, 202)
    await program.driver.restart(Incarnation("1 1"), LIST)
    (request,) = program.requests
    assert (request.method, request.path, request.can_read_body) == ("POST", "/hot-reload", False)


async def test_a_program_without_a_generation_is_always_the_same(program: Program) -> None:
    program.answer = answering({})
    assert await program.observe() == Incarnation("")


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("restarting", "", "it says that it is restarting"),
        ("failed", "port 9000 is taken", "it says that it is failed: port 9000 is taken"),
    ],
)
async def test_what_does_not_run_yet_is_not_ready(
    program: Program, state: str, reason: str, said: str
) -> None:
    program.answer = answering(STATUS | {"state": state, "reason": reason})
    found = await program.observe()
    assert found is not None
    assert found.unready_reason == said


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "the token in --endpoint-token-file is not the program's"),
        (404, "there is nothing at this path: see --endpoint-url"),
        (405, "see --endpoint-url and --endpoint-status"),
        (500, "500 Internal Server Error"),
        (503, "503 Service Unavailable"),
    ],
)
async def test_an_answer_that_is_a_refusal_says_what_to_do(
    program: Program, status: int, advice: str
) -> None:
    program.answer = answering("", status)
    said = await program.error()
    assert said.startswith(f"GET {program.url} is answered {status} ")
    assert advice in said
    with pytest.raises(DriverError, match=f"POST .* is answered {status}"):
        await program.driver.restart(Incarnation("1 1"), LIST)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "pong",
        "[]",
        "null",
        "3",
        '{"FederatedServers": "http://localhost:9000"}',
        '{"FederatedServers": [1]}',
        '{"FederatedServers": {"a": 1}}',
        '{"FederatedServers": ["nonsense"]}',
        "[" * 100_000,
    ],
    ids=lambda body: body[:40] or "nothing",
)
async def test_an_invalid_status_is_reported(program: Program, body: str) -> None:
    program.answer = answering(body)
    said = await program.error()
    assert said.startswith(f"{program.url} does not answer with a status: ")
    assert len(said) < 1000


async def test_a_status_that_comes_in_pieces_is_read_whole(program: Program) -> None:
    async def in_pieces(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        text = json.dumps(STATUS).encode()
        for piece in (text[:20], text[20:60], text[60:]):
            await response.write(piece)
            await anyio.sleep(0.02)
        return response

    program.answer = in_pieces
    found = await program.observe()
    assert found is not None
    assert found.loaded == LIST


async def test_a_body_without_an_end_is_not_read_to_its_end(program: Program) -> None:
    sent = 0

    async def for_ever(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 65_536)
            sent += 65_536

    program.answer = for_ever
    with anyio.fail_after(20):
        assert "answer with a status" in await program.error()
    assert sent < 1 << 26


async def test_a_redirect_is_not_followed(program: Program) -> None:
    # The token would go to wherever it leads.
    program.answer = answering("", 302, {"Location": program.url.replace("hot-reload", "elsewhere")})
    assert "is answered 302" in await program.error()
    assert len(program.requests) == 1


async def test_one_that_hangs_up_is_not_there_at_the_moment(program: Program) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        await anyio.sleep_forever()
        raise AssertionError

    program.answer = hang_up
    assert await program.observe() is None


async def test_no_listener_is_reported(program: Program) -> None:
    program.url = "http://127.0.0.1:1/hot-reload"
    assert await program.observe() is None
    with pytest.raises(DriverError, match=r"no program answers at .*; its launcher has to"):
        await program.driver.restart(Incarnation("1 1"), LIST)


async def test_an_unknown_host_is_reported(program: Program) -> None:
    program.url = "https://no-such-host.invalid/hot-reload"
    assert program.url in await program.error()


async def test_an_answer_that_is_not_http_is_reported(program: Program) -> None:
    async def speak(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"220 mail.example ESMTP\r\n")

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, speak)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        program.url = f"http://127.0.0.1:{port}/hot-reload"
        assert program.url in await program.error()
        tasks.cancel_scope.cancel()


async def test_a_token_that_is_renewed_counts_from_the_next_request(program: Program) -> None:
    await program.observe()
    program.token_file.write_text("another\n")
    await program.observe()
    assert [request.headers["Authorization"] for request in program.requests] == [
        f"Bearer {TOKEN}",
        "Bearer another",
    ]


async def test_a_token_file_that_is_not_there_says_who_makes_it(program: Program) -> None:
    program.token_file.unlink()
    said = await program.error()
    assert str(program.token_file) in said
    assert "the program creates the file when it starts" in said
    assert program.requests == []


@pytest.mark.parametrize("text", ["", "\n", "  \nlater\n"])
async def test_an_empty_token_file_is_reported(program: Program, text: str) -> None:
    program.token_file.write_text(text)
    assert f"{program.token_file} is empty" in await program.error()


@pytest.mark.parametrize("token", ["a\vb", "a\tb", "a\0b", "\x1b[1m", "schlüssel", "two words"])
async def test_an_invalid_token_is_reported_but_not_shown(program: Program, token: str) -> None:
    program.token_file.write_text(f"{token}\n", newline="")
    said = await program.error()
    assert str(program.token_file) in said or "token" in said
    assert token not in said
    assert program.requests == []


@pytest.mark.parametrize("status", [200, 302, 401, 500])
async def test_the_token_is_in_no_message_and_in_no_log(
    program: Program, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    program.answer = answering("no status", status)
    said = await program.error()
    assert TOKEN not in said
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(program.driver)


async def test_it_restarts_and_never_stops(program: Program) -> None:
    assert program.driver.starts_new_incarnation
    assert not program.driver.can_stop
    with pytest.raises(DriverError, match="can be asked to restart, not to stop"):
        await program.driver.stop()
