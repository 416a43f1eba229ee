"""``sidecar policy``: show, set and edit the network's rules.

Belongs here: the policy as text, its editor, its write. Forbidden here: what a rule means
(``sidecar.domain.records.policy``).
"""
