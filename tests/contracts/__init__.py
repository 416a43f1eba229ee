"""What every implementation of a port has to do, whichever it is."""

import pytest

# Their asserts are to be told as a test module's are.
pytest.register_assert_rewrite("tests.contracts.restart.contract", "tests.contracts.restart.node")
