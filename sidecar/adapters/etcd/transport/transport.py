"""One request to one endpoint, in a worker thread, within its time."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from sidecar.adapters.etcd.codec import Json
from sidecar.adapters.etcd.endpoints import Endpoint
from sidecar.adapters.etcd.errors import Disconnected, NoAnswer, Rejected
from sidecar.adapters.etcd.request import Attempt, Request
from sidecar.config import EtcdSettings

if TYPE_CHECKING:
    from sidecar.adapters.etcd.transport.clients import Client

_MIN_TIMEOUT = 0.01  # requests takes 0 for a mistake


class Transport:
    """Sends unary calls. No HTTP session is ever used by two threads at a time.

    ``requests.LeaseKeeper`` makes no promise about threads, so each call takes a client from those that are
    idle, or a new one: the lease's keep-alive never queues behind a slow read. A call that is given up keeps
    its client until its thread has ended.
    """

    def __init__(self, settings: EtcdSettings) -> None:
        self._settings = settings
        self._idle: dict[Endpoint, deque[Client]] = {}
        self._closed = False

    async def post(self, request: Request, attempt: Attempt, token: str = "") -> Json:
        """Return etcd's answer, or raise `NoAnswer` or `Rejected`, never later than the attempt allows."""
        now = anyio.current_time()
        connect, answer = attempt.connect_deadline - now, attempt.answer_deadline - now
        timeout = max(connect, _MIN_TIMEOUT), max(answer, _MIN_TIMEOUT)
        send = partial(self._send, attempt.endpoint, request, token, timeout)
        # requests' timeouts are for each wait on the socket: an answer that trickles in would outlast them.
        with anyio.CancelScope(deadline=attempt.answer_deadline):
            return await to_thread.run_sync(send, abandon_on_cancel=True)
        raise NoAnswer(f"no answer within {answer:.1f} s", unsent=False)

    def close(self) -> None:
        """Close the connections; those in use are closed when their call ends."""
        self._closed = True
        for clients in self._idle.values():
            while clients:
                clients.pop().close()

    # In worker threads from here on; a deque's append and pop are atomic.

    def _send(self, endpoint: Endpoint, request: Request, token: str, timeout: tuple[float, float]) -> Json:
        from sidecar.adapters.etcd.transport.clients import Client  # noqa: PLC0415 - 0.1 s, at the first call

        idle = self._idle.setdefault(endpoint, deque())
        while True:
            try:
                client, fresh = idle.pop(), False
            except IndexError:
                client, fresh = Client(endpoint, self._settings), True
            try:
                return self._post_with(client, request, token, timeout)
            except Disconnected as failure:
                # An idle connection may have been closed by the other side; only a fresh one can show that.
                if fresh or not (request.idempotent or failure.unsent):
                    raise

    def _post_with(self, client: Client, request: Request, token: str, timeout: tuple[float, float]) -> Json:
        usable = False
        try:
            answer = client.post(request, token, timeout)
            usable = True
        except Rejected:
            usable = True
            raise
        finally:
            if usable and not self._closed:
                self._idle[client.endpoint].append(client)
            else:
                client.close()
        return answer
