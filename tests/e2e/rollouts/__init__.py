"""When nodes restart: grants, the rollout, and its policy.

Belongs here: each of these end to end. Forbidden here: decisions without processes (`tests.domain.rollout`).
"""
