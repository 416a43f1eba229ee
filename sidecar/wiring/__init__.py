"""Building adapters and handing them to the loops: the one place that knows both.

Belongs here: ``sidecar run`` (``run``) and ``sidecar gate`` (``gate``); one node from its settings to its end
(``node``), and what that is built from: which node this is (``identity``), what it knows at the start
(``initial_board``), its process and driver (``managed_process``, ``drivers``), its store and probes
(``dependencies``), its signals and its admin API; and the next execution (``execution``, ``reexec``).
Forbidden here: rules, and being imported by anything but ``cli``.
"""

from sidecar.wiring.dependencies import open_store
from sidecar.wiring.gate import gate
from sidecar.wiring.identity import identify
from sidecar.wiring.run import run

__all__ = ["gate", "identify", "open_store", "run"]
