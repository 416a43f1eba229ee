"""Who may be in the network: admission, removal, rollback, and how joins are batched.

Belongs here: functions that answer one request with a new list, records to write, and a reason in words.
Forbidden here: when a node restarts (``rollout``), and the order in which requests are handled (``leader``).
"""
