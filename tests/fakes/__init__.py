"""Fakes of the ports: in memory, on anyio, held to the same contracts as the real things."""
