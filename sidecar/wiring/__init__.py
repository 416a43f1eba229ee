"""Building adapters and handing them to the loops: the one place that knows both.

Belongs here: from settings to a running sidecar (``node``), its boot check alone (``gate``), its next
execution (``reexec``), which driver a setting means (``managed_process``), which node this is (``identity``).
Forbidden here: rules, and being imported by anybody but ``cli``.
"""

from sidecar.wiring.gate import gate
from sidecar.wiring.identity import identify
from sidecar.wiring.node import run
from sidecar.wiring.stores import open_store

__all__ = ["gate", "identify", "open_store", "run"]
