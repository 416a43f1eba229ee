"""Tests of ``sidecar.domain.rollout``: which node restarts, and when."""
