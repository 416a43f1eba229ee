"""A kept sample of every format that the sidecar writes for others, or for a later version of itself.

Belongs here: the samples, byte for byte (``kept/<name>-<format>``), the values they are written from, and
the tests that hold the code to them. ``python -m tests.samples --write`` writes the samples of the present
formats; review the difference before you commit it.
Forbidden here: tests of what a value means.
"""
