"""Tests of ``sidecar.domain.records``: the records in etcd, their codec and their keys."""
