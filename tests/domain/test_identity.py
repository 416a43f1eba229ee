"""Which of the listed URLs is a server's own."""

from __future__ import annotations

import pytest

from sidecar.domain.errors import BadConfiguration
from sidecar.domain.identity import own_url
from sidecar.domain.servers import NodeID, ServerList


def own(
    texts: list[str], *, node: str = "fed-1", port: int | None = 9000, names: tuple[str, ...] = ()
) -> str:
    found = own_url(ServerList.parse(texts), node_id=NodeID(node), port=port, local_names=lambda: names)
    return found.text


def test_the_only_url_with_the_files_port_is_its_own() -> None:
    assert own(["http://localhost:9000", "http://localhost:9001"], port=9001) == "http://localhost:9001"


def test_a_default_port_counts_as_a_port() -> None:
    assert own(["http://a", "https://b"], port=443) == "https://b"


def test_among_equal_ports_the_host_equal_to_the_node_id_decides() -> None:
    assert own(["http://fed-1:9000", "http://fed-2:9000"]) == "http://fed-1:9000"
    assert own(["http://FED-1:9000", "http://fed-2:9000"], node="Fed-1") == "http://FED-1:9000"


def test_among_equal_ports_a_local_host_name_decides() -> None:
    assert own(["http://a:9000", "http://10.0.0.7:9000"], names=("10.0.0.7",)) == "http://10.0.0.7:9000"


def test_without_a_matching_port_the_host_decides() -> None:
    assert own(["http://proxy-1:80", "http://fed-1:8443"], port=9000) == "http://fed-1:8443"


def test_local_names_are_not_resolved_when_the_port_decides() -> None:
    def names() -> set[str]:
        raise AssertionError("looked up")

    found = own_url(ServerList.parse(["http://a:1"]), node_id=NodeID("x"), port=1, local_names=names)
    assert found.text == "http://a:1"


@pytest.mark.parametrize("texts", [["http://a:9000", "http://b:9000"], ["http://a:1", "http://b:2"]])
def test_an_ambiguous_url_is_an_error_that_names_the_setting(texts: list[str]) -> None:
    with pytest.raises(BadConfiguration, match="--url"):
        own(texts)


def test_several_urls_of_this_machine_are_ambiguous() -> None:
    with pytest.raises(BadConfiguration, match="2 a host of this machine"):
        own(["http://fed-1:9000", "http://localhost:9000"], names=("localhost",))
