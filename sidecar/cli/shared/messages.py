"""Messages that more than one group prints."""

from __future__ import annotations

from sidecar.domain.records.keys import Keys


def no_list_message(keys: Keys) -> str:
    """The message for a network without a canonical list."""
    return f"network {keys.network} has no list yet: none of its servers has started, or --network is wrong"
