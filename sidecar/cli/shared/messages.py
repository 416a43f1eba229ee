"""MOVED."""

from __future__ import annotations

from sidecar.domain.records.keys import Keys


def no_list_message(keys: Keys) -> str:
    """What to say where somebody may have mistaken the network."""
    return f"network {keys.network} has no list yet: none of its servers has started, or --network is wrong"
