"""Commands about rollouts: their status, their plan, waiting for them, steering them.

Belongs here: how a rollout is drawn and worded for people and scripts.
Forbidden here: rules of a rollout (``domain.rollout``).
"""
