"""Commands about rollouts: plan one, follow one, wait for one, control one.

Belongs here: the rollout as text, as JSON and on a terminal. Forbidden here: which node restarts when
(``sidecar.domain.rollout``).
"""
