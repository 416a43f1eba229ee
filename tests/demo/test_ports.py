"""The ports of the demo: a free block that no other demo uses."""

from __future__ import annotations

import socket

from sidecar_demo.ports import port_block

OFFSETS = (0, 1, 4)


def test_a_block_is_free_as_a_whole() -> None:
    with port_block(OFFSETS) as base:
        for offset in OFFSETS:
            with socket.create_server(("127.0.0.1", base + offset)):
                pass


def test_two_demos_do_not_get_the_same_block() -> None:
    with port_block(OFFSETS) as one, port_block(OFFSETS) as other:
        assert one != other


def test_a_block_with_a_port_in_use_is_skipped() -> None:
    with port_block(OFFSETS) as base:
        pass
    with socket.create_server(("127.0.0.1", base + 4)), port_block(OFFSETS) as other:
        assert other != base
