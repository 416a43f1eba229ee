"""Serve the responses with the leanest parts of aiohttp.

``aiohttp.web_server`` without ``aiohttp.web`` (applications, routes, files, WebSockets) costs 1 MiB
instead of 2.5; six paths in a dict need no router.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response
from aiohttp.web_server import Server

from sidecar.admin.endpoints import ENDPOINTS, JSON, ApiResponse
from sidecar.admin.listening import bound_address
from sidecar.domain.node.status import Status

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
_SHUTDOWN_TIMEOUT = 1.0  # seconds for responses under way when the sidecar ends


@asynccontextmanager
async def serve(read_status: Callable[[], Status], listener: socket.socket) -> AsyncIterator[None]:
    """Serve the status from ``read_status`` on ``listener``, and close it in the end. Needs asyncio."""
    local_names_only = _is_loopback(bound_address(listener).host)

    async def handle(request: BaseRequest) -> Response:
        answer = _respond(request, read_status, local_names_only=local_names_only)
        headers = _HEADERS | (
            {"Allow": "GET, HEAD"} if answer.status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        )
        response = Response(text=answer.body, status=answer.status, headers=headers)
        response.headers["Content-Type"] = f"{answer.content_type}; charset=utf-8"
        return response

    server = Server(handle, access_log=None, lingering_time=0)
    serving = await asyncio.get_running_loop().create_server(server, sock=listener)
    try:
        yield
    finally:
        serving.close()
        server.pre_shutdown()  # otherwise each idle connection costs the whole timeout
        await server.shutdown(_SHUTDOWN_TIMEOUT)


def _respond(
    request: BaseRequest, read_status: Callable[[], Status], *, local_names_only: bool
) -> ApiResponse:
    host = request.headers.get("Host")  # every browser sends one
    if local_names_only and host and not _names_this_machine(host):
        what = f"this API is for this machine only, and {host!r} may be another one; use 127.0.0.1"
        return _error(HTTPStatus.FORBIDDEN, what)
    endpoint = ENDPOINTS.get(request.path)
    if endpoint is None:
        return _error(HTTPStatus.NOT_FOUND, f"no such path; the paths are {', '.join(ENDPOINTS)}")
    if request.method not in {"GET", "HEAD"}:
        what = "this API is read-only; `sidecar --help` lists the commands that change something"
        return _error(HTTPStatus.METHOD_NOT_ALLOWED, what)
    return endpoint(read_status())


def _error(status: HTTPStatus, what: str) -> ApiResponse:
    return ApiResponse(json.dumps({"error": what}) + "\n", JSON, status)


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def _names_this_machine(host_header: str) -> bool:
    """Whether this Host is of this machine; a foreign DNS name may have led a browser here."""
    try:
        host = urlsplit(f"//{host_header}").hostname or ""
        return host == "localhost" or host.endswith(".localhost") or bool(ipaddress.ip_address(host))
    except ValueError:
        return False
