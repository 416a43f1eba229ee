"""Tests of ``sidecar.domain.leader``: the leader's decision as a whole."""
