"""Membership: admission, removal, rollback, and the batching of joins.

Belongs here: functions that answer one request with a new list, records to write, and a reason.
Forbidden here: when a node restarts (``rollout``), and the order in which requests are handled (``leader``).
"""
