"""A sidecar that starts next to a process of its predecessor: it adopts it, or starts it again."""

from __future__ import annotations

import os
import signal

from tests.kit.network import Network
from tests.kit.processes import is_alive
from tests.kit.product_texts import ADOPTED


def test_a_restarted_sidecar_adopts_its_running_process(
    network: Network,
) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    pid = two.events("listening")[-1].pid

    two.kill()
    assert is_alive(pid)
    two.start()
    network.wait(lambda: two.logged(ADOPTED), "it is adopted")
    network.wait_in_sync(one, two)

    assert two.status["pid"] == pid
    assert len(two.starts) == 1
    two.stop()
    assert not is_alive(pid)


def test_an_adopted_process_on_an_old_list_is_restarted(
    network: Network,
) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    two.kill()

    three = network.newcomer("fed-3", one)
    network.start(three)
    two.start()
    network.wait_in_sync(*network.nodes)

    assert [start.servers for start in two.starts] == [[one.url, two.url], [one.url, two.url, three.url]]
    assert two.starts[0].pid in [event.pid for event in two.events("stopping")]


def test_a_process_that_exited_unobserved_is_started_again(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)
    one.kill()
    os.kill(one.events("listening")[-1].pid, signal.SIGKILL)

    network.start(one)

    assert len(one.starts) == 2
