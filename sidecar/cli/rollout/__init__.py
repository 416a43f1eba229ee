"""Commands for rollouts: plan, follow, await and control them.

Belongs here: the rollout as text, as JSON and on a terminal. Forbidden here: which node restarts when
(``sidecar.domain.rollout``).
"""
