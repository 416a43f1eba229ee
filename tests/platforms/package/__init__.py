"""The packages, built and installed in virtual environments of their own; `make test-package` runs these
tests.

Belongs here: what an installed package does. Forbidden here: imports of the checkout in a command under test.
"""
