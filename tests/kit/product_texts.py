"""Texts of the product that tests in several places wait for; they change here when the product's do."""

IN_SYNC = "in step"
"""The reason in the status of a node that has nothing to do."""

ADOPTED = "running process taken over"
"""The log event of a sidecar that adopts the process of its predecessor."""
