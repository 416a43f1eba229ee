"""The loops: they carry events to the pure decisions, and decisions to the adapters.

Belongs here: anyio loops over ports, one a file, started by the one task group in ``sidecar.agent.agent``.
Forbidden here: rules (they live in ``domain``), adapters, settings, and any clock but anyio's and the wall
clock in `Dependencies`.
"""
