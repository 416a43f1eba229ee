"""Server URLs, lists of them, and NodeIDs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.servers import InvalidUrl, ServerList, ServerUrl, parse_node_id

HOSTS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,10}[A-Za-z0-9])?", fullmatch=True)
URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP", "Https"]),
    HOSTS | st.just("[::1]"),
    st.just("") | st.integers(1, 65535).map(":{}".format),
    st.sampled_from(["", "/", "/a", "/a/", "/A//"]),
)


@given(URLS)
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    url = ServerUrl.parse(text)
    assert ServerUrl.parse(url.normal).normal == url.normal
    assert ServerUrl.parse(url.normal) == url


@given(st.text() | st.text("htps:/[]@#?%.0a8\\é").map("http://{}".format))
def test_any_text_is_a_url_or_raises_invalid_url(text: str) -> None:
    try:
        url = ServerUrl.parse(text)
    except InvalidUrl:
        return
    assert ServerUrl.parse(url.normal) == url
    assert url.text == text
    assert text.encode()


@pytest.mark.parametrize(
    "same",
    [
        ("http://host", "HTTP://Host:80/"),
        ("https://host:443", "https://HOST"),
        ("http://[::1]:9000/", "http://[::1]:9000"),
        ("http://host/a", "http://host/a/"),
        ("http://host:", "http://host"),
    ],
)
def test_spelling_does_not_change_the_server(same: tuple[str, str]) -> None:
    one, other = map(ServerUrl.parse, same)
    assert one == other
    assert hash(one) == hash(other)
    assert one.text != other.text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://host", "https://host"),
        ("http://host:9000", "http://host:9001"),
        ("http://host/a", "http://host/A"),
        ("http://host:443", "https://host"),
    ],
)
def test_different_servers_are_not_equal(one: str, other: str) -> None:
    assert ServerUrl.parse(one) != ServerUrl.parse(other)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not start with http"),
        ("localhost:9000", "does not start with http"),
        ("ftp://host", "does not start with http"),
        ("http://", "names no host"),
        ("http://:9000", "names no host"),
        ("http://host:0", "port 0"),
        ("http://host:65536", "is not a URL"),
        ("http://host:port", "is not a URL"),
        ("http://[::1", "is not a URL"),
        ("http://me:secret@host", "user name or password"),
        ("http://host?x", "query or a fragment"),
        ("http://host/#", "query or a fragment"),
        ("http://ho st", "a space"),
        ("http://host\n", "a space"),
        ("http:\\\\host", "backslash"),
        ("http://host/\ud800", "control character"),
    ],
)
def test_an_invalid_url_says_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidUrl, match=reason):
        ServerUrl.parse(text)


def test_a_url_knows_its_host_and_port() -> None:
    url = ServerUrl.parse("HTTPS://Fed-1.Example.org/x")
    assert (url.host, url.port) == ("fed-1.example.org", 443)
    assert str(url) == "HTTPS://Fed-1.Example.org/x"


def test_a_list_holds_each_server_once() -> None:
    with pytest.raises(ValueError, match="named twice"):
        ServerList.parse(["http://host", "HTTP://HOST:80"])


def test_appending_keeps_order_and_existing_servers() -> None:
    servers = ServerList.parse(["http://a", "http://b"])
    more = servers.appended(ServerList.parse(["HTTP://A/", "http://c"]))
    assert more.texts() == ["http://a", "http://b", "http://c"]
    assert str(more) == "http://a, http://b, http://c"
    assert len(more) == 3


def test_removal_compares_normal_forms() -> None:
    servers = ServerList.parse(["http://a", "http://b"])
    assert servers.without(ServerList.parse(["http://B:80"])).texts() == ["http://a"]
    assert ServerUrl.parse("http://B") in servers


@pytest.mark.parametrize("text", ["a", "fed-1", "A.b_c-9", "9" * 63])
def test_a_node_id_is_safe_in_keys_and_file_names(text: str) -> None:
    assert parse_node_id(text) == text


@pytest.mark.parametrize("text", ["", "-a", "a-", "a/b", "a b", "é", "9" * 64, "fed-1\n", ".."])
def test_an_invalid_node_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a NodeID"):
        parse_node_id(text)
