"""Tests of ``sidecar.domain.membership``: admission, removal, rollback, and the batching of joins."""
