"""The leader's snapshot of the network, and the fenced transaction that is made from it.

Belongs here: reading all records into one value, building a transaction, publishing a version, the
history of the list.
Forbidden here: rules. ``membership`` decides which nodes may join, ``rollout`` which node restarts.
"""
