"""``sidecar policy``: show, set and edit the network's policy.

Belongs here: the policy as text, its editor, and the compare-and-swap that stores it.
Forbidden here: what a policy means (``domain.records.policy``).
"""
