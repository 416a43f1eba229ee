"""The leader's decision: ``(snapshot, now) -> transaction``.

Belongs here: the order of the rules, and the requests of one transaction.
Forbidden here: the rules themselves, which live in ``membership`` and ``rollout``; I/O, and the election.
"""
