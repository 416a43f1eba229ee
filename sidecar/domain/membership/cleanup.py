"""The deletion of records that are no longer needed."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.domain.network.context import LeaderContext
from sidecar.domain.network.transaction import TransactionBuilder

OUTCOME_RETENTION = 300.0
"""Seconds that the answer to an operator's request is kept for the operator to read."""


def delete_expired_records(context: LeaderContext, transaction: TransactionBuilder) -> None:
    """Delete old outcomes, spent tokens, and members that are no longer in the list."""
    for key in _expired_keys(context):
        if transaction.full:
            return
        transaction.delete(key)


def _expired_keys(context: LeaderContext) -> Iterator[str]:
    network, keys = context.network, context.network.keys
    for name, request in network.requests.items():
        # An outcome from the future too: its clock was ahead, and has been set back.
        if request.outcome and not abs(context.now - request.outcome.at) <= OUTCOME_RETENTION:
            yield keys.request(name)
    for name, token in network.membership.tokens.items():
        if token.why_unusable(context.now):
            yield keys.token(name)
    for node, member in network.membership.members.items():
        if member.url and member.url not in context.canonical.servers:
            yield keys.member(node)
