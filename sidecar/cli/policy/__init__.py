"""``sidecar policy``: show, set and edit the policy of the network.

Belongs here: the policy as text, editing it, and writing it to etcd. Forbidden here: what a rule means
(``sidecar.domain.records.policy``).
"""
