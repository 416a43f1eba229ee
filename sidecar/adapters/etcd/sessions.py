"""The etcd3gw clients that calls are made with, and what their exceptions mean.

Everything that etcd3gw, requests and urllib3 are imported for is here; importing this module costs 0.1 s and
is left until the first call.
"""

from __future__ import annotations

import re
import ssl
from typing import Any, cast

from sidecar.adapters.etcd.codec import Json
from sidecar.adapters.etcd.detectors import without_detectors
from sidecar.adapters.etcd.endpoints import Endpoint
from sidecar.adapters.etcd.failures import Disconnected, NoAnswer, Rejected, parse_rejection, stream_error
from sidecar.adapters.etcd.request import API_PATH, Request
from sidecar.adapters.etcd.settings import EtcdSettings
from sidecar.adapters.etcd.tcp import OPTIONS

with without_detectors():
    import requests
    from etcd3gw.client import Etcd3Client
    from etcd3gw.exceptions import Etcd3Exception
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import NewConnectionError

# OpenSSL, of a peer that answers in the clear, or hangs up as etcd does: also in the midst of a connection.
_NOT_TLS = re.compile(r"wrong.version.number|record.layer.failure|eof.occurred.in.violation", re.IGNORECASE)
# It may also be gone before it has answered at all.
_HUNG_UP = re.compile(r"reset by peer", re.IGNORECASE)


class Client:
    """One etcd3gw client and its own HTTP session; for one thread at a time."""

    def __init__(self, endpoint: Endpoint, settings: EtcdSettings) -> None:
        self.endpoint = endpoint
        self._session = _Session(str(settings.ca) if settings.ca else _system_store())
        self._session.mount(f"{endpoint.scheme}://", _KeptAlive())
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
            raise _failure_of(exc, tls=self.endpoint.scheme == "https") from exc
        return _checked(answer)

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


class _KeptAlive(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, socket_options=OPTIONS)


def _system_store() -> str | bool:
    """Whom the system trusts, as the watch does; requests by itself trusts a list of its own."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True


def _checked(answer: Any) -> Json:
    """``answer``, if it is etcd's: each has a header, and a stream's (of a lease) has it in its result."""
    if isinstance(answer, dict):
        if "error" in answer:  # a stream that fails after its HTTP status was sent
            raise stream_error(answer["error"])
        result = answer.get("result", answer)
        if isinstance(result, dict) and "header" in result:
            return answer
    raise NoAnswer(f"not an answer of etcd's: {answer!r:.100}", unsent=False)


def _failure_of(exc: Exception, *, tls: bool) -> NoAnswer | Rejected:
    # etcd3gw raises one class for "no connection" and for a 503; what it was raised in tells them apart.
    cause = exc.__context__ if isinstance(exc, Etcd3Exception) else exc
    match cause:
        case requests.ConnectTimeout():
            return NoAnswer("no connection in time", unsent=True)
        case requests.Timeout():
            return NoAnswer("no answer in time", unsent=False)
        case requests.ConnectionError():
            reason = getattr(cause.args[0] if cause.args else None, "reason", cause)
            return Disconnected(_shown(reason, tls=tls), unsent=isinstance(reason, NewConnectionError))
        case requests.JSONDecodeError():
            return NoAnswer(f"not an answer of etcd's: {cause.doc!r:.100}", unsent=False)
        case None if isinstance(exc, Etcd3Exception):
            return parse_rejection(exc.detail_text or "")
        case _:
            return NoAnswer(_shown(cause, tls=tls), unsent=False)


def _shown(error: object, *, tls: bool) -> str:
    """The end of urllib3's nested messages, where the cause is: ``[Errno 111] Connection refused``."""
    if _NOT_TLS.search(str(error)) or (tls and _HUNG_UP.search(str(error))):
        return "TLS was broken off; if it speaks none, name it with http://"
    return str(error).rpartition(": ")[2] or type(error).__name__
