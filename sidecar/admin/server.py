"""Serving the answers, with the leanest pieces aiohttp has.

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
_SHUTDOWN_TIMEOUT = 1.0  # seconds for answers that are under way when the sidecar ends


@asynccontextmanager
async def serve(read_status: Callable[[], Status], listener: socket.socket) -> AsyncIterator[None]:
    """Serve what ``read_status`` says on ``listener``, and close it in the end. Needs asyncio."""
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
        server.pre_shutdown()  # or each idle connection costs the whole grace
        await server.shutdown(_SHUTDOWN_TIMEOUT)


def _respond(
    request: BaseRequest, read_status: Callable[[], Status], *, local_names_only: bool
) -> ApiResponse:
    host = request.headers.get("Host")  # every browser sends one
    if local_names_only and host and not _names_this_machine(host):
        what = f"this API is for this machine alone, and {host!r} may be any; say 127.0.0.1"
        return _error(HTTPStatus.FORBIDDEN, what)
    endpoint = ENDPOINTS.get(request.path)
    if endpoint is None:
        return _error(HTTPStatus.NOT_FOUND, f"no such path; there are {', '.join(ENDPOINTS)}")
    if request.method not in {"GET", "HEAD"}:
        what = "nothing can be changed here; `sidecar --help` shows what can be done"
        return _error(HTTPStatus.METHOD_NOT_ALLOWED, what)
    return endpoint(read_status())


def _error(status: HTTPStatus, what: str) -> ApiResponse:
    return ApiResponse(json.dumps({"error": what}) + "\n", JSON, status)


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def _names_this_machine(host_header: str) -> bool:
    """Whether a browser that sent this Host was not led here by somebody else's DNS name."""
    try:
        host = urlsplit(f"//{host_header}").hostname or ""
        return host == "localhost" or host.endswith(".localhost") or bool(ipaddress.ip_address(host))
    except ValueError:
        return False
