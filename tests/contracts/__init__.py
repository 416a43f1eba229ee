"""Contracts: what every implementation of a port has to do.

Belongs here: tests that run unchanged on every implementation, fake and real. Forbidden here: a test of one
implementation alone.
"""

import pytest

# So that pytest explains their asserts as it does in a test module.
pytest.register_assert_rewrite("tests.contracts.restart.contract", "tests.contracts.restart.node")
