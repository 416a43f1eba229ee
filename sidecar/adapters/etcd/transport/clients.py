"""The etcd3gw clients that calls are made with, and what their exceptions mean.

Everything that etcd3gw, requests and urllib3 are imported for is here; importing this module costs 0.1 s and
is left until the first call.
"""

from __future__ import annotations

import re
import ssl
from typing import Any, cast

from sidecar.adapters.etcd.codec import Json
from sidecar.adapters.etcd.endpoints import Endpoint
from sidecar.adapters.etcd.errors import (
    Disconnected,
    NoAnswer,
    Rejected,
    parse_rejection,
    parse_stream_error,
)
from sidecar.adapters.etcd.request import API_PATH, Request
from sidecar.adapters.etcd.transport.lean_imports import without_encoding_detectors
from sidecar.adapters.etcd.transport.socket_options import SOCKET_OPTIONS
from sidecar.config import EtcdSettings

with without_encoding_detectors():
    import requests
    from etcd3gw.client import Etcd3Client
    from etcd3gw.exceptions import Etcd3Exception
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import NewConnectionError

# OpenSSL, of a peer that answers in the clear, or hangs up as etcd does: also in the midst of a connection.
_NOT_TLS = re.compile(r"wrong.version.number|record.layer.failure|eof.occurred.in.violation", re.IGNORECASE)
# It may also be gone before it has answered at all.
_CONNECTION_RESET = re.compile(r"reset by peer", re.IGNORECASE)


class Client:
    """One etcd3gw client and its own HTTP session; for one thread at a time."""

    def __init__(self, endpoint: Endpoint, settings: EtcdSettings) -> None:
        self.endpoint = endpoint
        self._session = _Session(str(settings.ca) if settings.ca else _system_ca_store())
        self._session.mount(f"{endpoint.scheme}://", _KeepAliveAdapter())
        if settings.cert is not None and settings.key is not None:
            self._session.cert = (str(settings.cert), str(settings.key))
        self._etcd = Etcd3Client(
            endpoint.host, endpoint.port, endpoint.scheme, api_path=API_PATH, session=self._session
        )

    def post(self, request: Request, token: str, timeout: tuple[float, float]) -> Json:
        """Return the answer; ``timeout`` is to connect, and between bytes. Raises `NoAnswer`, `Rejected`."""
        # etcd3gw declares one number and passes on whatever requests takes.
        self._etcd.timeout = cast("float", timeout)
        headers = {"Authorization": token} if token else {}
        try:
            answer: Any = self._etcd.post(
                self._etcd.get_url(request.path),
                json=request.body,
                headers=headers,
                allow_redirects=False,
            )
        except (Etcd3Exception, OSError, ValueError) as exc:
            raise _as_failure(exc, tls=self.endpoint.scheme == "https") from exc
        return _require_etcd_answer(answer)

    def close(self) -> None:
        self._session.close()


class _Session(requests.Session):
    """A session that posts, and leaves out what etcd has no use for: 40% of the time of a call.

    No cookies, redirects and hooks; no proxy, .netrc or CA bundle from the environment, which is not meant
    for etcd.
    """

    def __init__(self, verify: str | bool) -> None:
        super().__init__()
        self._verify = verify

    def post(self, url: Any, data: Any = None, json: Any = None, **options: Any) -> requests.Response:
        prepared = requests.Request("POST", url, headers=options["headers"], data=data, json=json).prepare()
        response = self.get_adapter(url).send(
            prepared,
            timeout=options["timeout"],
            verify=self._verify,
            cert=self.cert,
        )
        _ = response.content  # read to its end, which sets the connection free for the next call
        return response


class _KeepAliveAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, socket_options=SOCKET_OPTIONS)


def _system_ca_store() -> str | bool:
    """Whom the system trusts, as the watch does; requests by itself trusts a list of its own."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True


def _require_etcd_answer(answer: Any) -> Json:
    """``answer``, if it is etcd's: each has a header, and a stream's (of a lease) has it in its result."""
    if isinstance(answer, dict):
        if "error" in answer:  # a stream that fails after its HTTP status was sent
            raise parse_stream_error(answer["error"])
        result = answer.get("result", answer)
        if isinstance(result, dict) and "header" in result:
            return answer
    raise NoAnswer(f"not an answer of etcd's: {answer!r:.100}", unsent=False)


def _as_failure(exc: Exception, *, tls: bool) -> NoAnswer | Rejected:
    # etcd3gw raises one class for "no connection" and for a 503; what it was raised in tells them apart.
    cause = exc.__context__ if isinstance(exc, Etcd3Exception) else exc
    match cause:
        case requests.ConnectTimeout():
            return NoAnswer("no connection in time", unsent=True)
        case requests.Timeout():
            return NoAnswer("no answer in time", unsent=False)
        case requests.ConnectionError():
            reason = getattr(cause.args[0] if cause.args else None, "reason", cause)
            return Disconnected(
                _describe_error(reason, tls=tls), unsent=isinstance(reason, NewConnectionError)
            )
        case requests.JSONDecodeError():
            return NoAnswer(f"not an answer of etcd's: {cause.doc!r:.100}", unsent=False)
        case None if isinstance(exc, Etcd3Exception):
            return parse_rejection(exc.detail_text or "")
        case _:
            return NoAnswer(_describe_error(cause, tls=tls), unsent=False)


def _describe_error(error: object, *, tls: bool) -> str:
    """The end of urllib3's nested messages, where the cause is: ``[Errno 111] Connection refused``."""
    if _NOT_TLS.search(str(error)) or (tls and _CONNECTION_RESET.search(str(error))):
        return "TLS was broken off; if it speaks none, name it with http://"
    return str(error).rpartition(": ")[2] or type(error).__name__
