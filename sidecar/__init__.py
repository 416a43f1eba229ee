"""The sidecar that keeps the server list of a federation network the same in every file.

What lives here points one way: ``cli > wiring > admin | agent | adapters > config | logs | ports > domain``.
Importing this package does nothing; ``docs/explanation/architecture.md`` is the map.
"""

__version__ = "0.1.0"
