"""The process next to a sidecar, and the sidecar as a process.

Belongs here: each of these end to end. Forbidden here: drivers (`tests.contracts.restart`).
"""
