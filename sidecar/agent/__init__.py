"""The loops: they carry what happens to the pure decisions, and what was decided to the world.

Belongs here: anyio loops over ports, one a file, started by the one task group in ``sidecar.agent.agent``.
Forbidden here: rules (they live in ``domain``), adapters, and any clock but anyio's and the one handed in.
"""
