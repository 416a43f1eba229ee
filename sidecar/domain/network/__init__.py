"""The leader's snapshot of the network, and the fenced transaction that is made from it.

Belongs here: reading all records into one value, building a transaction, publishing a version, the
history of the list.
Forbidden here: rules. Who may join is ``membership``'s, and who restarts is ``rollout``'s.
"""
