"""Which endpoint is asked, in what order; what is no endpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.adapters.etcd.endpoints import Endpoint, Rotation
from sidecar.domain.errors import BadConfiguration

A, B, C = (Endpoint("http", "127.0.0.1", port) for port in (1, 2, 3))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://etcd", "http://etcd:2379"),
        ("https://ETCD.example/", "https://etcd.example:2379"),
        ("http://[::1]:1234", "http://[::1]:1234"),
        ("http://10.0.0.1:2379", "http://10.0.0.1:2379"),
    ],
)
def test_an_endpoint_is_scheme_host_and_port(text: str, url: str) -> None:
    assert Endpoint.parse(text).url == url


@pytest.mark.parametrize(
    "text",
    ["", "etcd:2379", "ftp://etcd", "http://", "http://a/b", "http://u:p@a", "http://a:x", "http://a?q"],
)
def test_anything_else_is_no_endpoint(text: str) -> None:
    with pytest.raises(BadConfiguration, match="endpoint"):
        Endpoint.parse(text)


def test_the_turn_stays_until_its_endpoint_fails_and_comes_round() -> None:
    rotation = Rotation((A, B, C, A))
    assert rotation.order() == (A, B, C)
    rotation.mark_failed(B, answered=False)
    assert rotation.order() == (A, B, C)
    rotation.mark_failed(A, answered=False)
    assert rotation.order() == (B, C, A)
    rotation.mark_failed(B, answered=True)
    rotation.mark_failed(C, answered=True)
    assert rotation.order() == (A, B, C)


def test_a_stream_is_ended_when_its_endpoint_fails_and_no_other() -> None:
    rotation, ended = Rotation((A, B)), []
    with (
        rotation.call_on_failure(A, lambda: ended.append("a")),
        rotation.call_on_failure(B, lambda: ended.append("b")),
    ):
        rotation.mark_failed(A, answered=False)
        assert ended == ["a"]
    rotation.mark_failed(B, answered=False)
    assert ended == ["a"]


def test_streams_survive_errors_of_the_only_endpoint_but_not_silence() -> None:
    rotation, ended = Rotation((A,)), []
    with rotation.call_on_failure(A, lambda: ended.append("a")):
        rotation.mark_failed(A, answered=True)
        assert not ended
        rotation.mark_failed(A, answered=False)
        assert ended


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"endpoints": ()}, "no etcd endpoint"),
        ({"cert": "c.pem"}, "key is missing"),
        ({"key": "k.pem"}, "certificate is missing"),
        ({"user": "u"}, "password is missing"),
        ({"password": "p"}, "user is missing"),
        ({"call_timeout": 0}, "more than 0"),
        ({"ca": "/nowhere/ca.pem"}, "CA /nowhere/ca.pem cannot be read: No such file"),
        ({"ca": __file__}, "no certificate or crl found"),
        ({"cert": __file__, "key": "/nowhere/key.pem"}, "client key /nowhere/key.pem cannot be read"),
        ({"cert": __file__, "key": __file__}, "no pem file"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], complaint: str) -> None:
    paths = {
        key: Path(str(value)) if key in ("ca", "cert", "key") else value for key, value in settings.items()
    }
    with pytest.raises(BadConfiguration, match=complaint):
        EtcdStore(EtcdSettings(**{"endpoints": ("http://a",), **paths}))  # type: ignore[arg-type]  # of mixed types


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(EtcdSettings(("http://a",), user="u", password="secret"))
