"""Commands that ask the leader for a change, and wait for its answer.

Belongs here: one file a command, and the one way of asking (``leader_request``).
Forbidden here: writing anything but a request.
"""
