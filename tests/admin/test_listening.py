"""The admin API over real sockets: the address, start and shutdown."""

from __future__ import annotations

import socket

import anyio
import pytest

from sidecar.admin.listening import listen
from sidecar.config import Address
from sidecar.domain.errors import BadConfiguration
from tests.admin.client import api
from tests.kit.prerequisites import require

pytestmark = pytest.mark.anyio


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


async def test_it_listens_on_ipv6_too() -> None:
    require(has_ipv6(), "IPv6 on the loopback")
    async with api(address=Address("::1", 0)) as served:
        assert str(served.address).startswith("[::1]:")
        assert (await served.ask("/livez")).status == 200


def listen_error(address: Address) -> str:
    with pytest.raises(BadConfiguration) as caught:
        listen(address)
    return str(caught.value)


def test_a_port_in_use_is_reported_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = listen_error(Address("127.0.0.1", port))

    assert said == (
        f"admin: cannot listen on 127.0.0.1:{port}: port {port} is in use, perhaps by another sidecar; "
        "choose another with --admin HOST:PORT (SIDECAR_ADMIN), or --admin off"
    )


def test_an_unknown_host_is_reported() -> None:
    said = listen_error(Address("no.such.host.invalid", 0))

    assert said.startswith("admin: the host 'no.such.host.invalid' is unknown; choose another")


def test_an_address_of_another_machine_is_reported() -> None:
    said = listen_error(Address("192.0.2.1", 0))  # RFC 5737: an address of no machine

    assert said.startswith("admin: cannot listen on 192.0.2.1:0: ")
    assert "--admin off" in said


async def test_its_port_is_free_again_when_the_context_ends() -> None:
    async with api() as served:
        await served.ask("/livez")
        address = served.address

    async with api(address=address) as served:
        assert (await served.ask("/livez")).status == 200


async def test_an_idle_connection_does_not_delay_the_shutdown() -> None:
    with anyio.fail_after(5):
        async with api() as served:
            idle = await anyio.connect_tcp(served.address.host, served.address.port)
            await served.ask("/livez")
        await idle.aclose()


async def test_a_client_without_http_gets_status_400() -> None:
    async with api() as served, await anyio.connect_tcp("127.0.0.1", served.address.port) as stream:
        await stream.send(b"\x16\x03\x01 hello\r\n\r\n")
        with anyio.fail_after(5):
            assert b" 400 " in await stream.receive()
        assert (await served.ask("/livez")).status == 200
