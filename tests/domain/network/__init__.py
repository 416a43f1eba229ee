"""Tests of ``sidecar.domain.network``: the leader's snapshot and the history."""
