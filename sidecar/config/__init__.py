"""The settings: from flags, the environment and ``sidecar.toml`` to frozen objects.

Belongs here: the one table of settings (``table``, ``restart_table``), how a text becomes a value
(``values``), where texts come from (``sources``, ``toml``), what is checked across settings (``loading``,
``etcd_loading``, ``restart_loading``), and the frozen groups that come out (``settings``, ``restart_modes``).
A new setting needs a line in a table, a field that names its key in one of the groups, and a property in
``sidecar.schema.json``; flag, variable, help and loading follow.
Forbidden here: reading anything at import, reaching etcd, and a second list of settings.
"""

from sidecar.config.loading import load, load_admin, load_network
from sidecar.config.restart_modes import Restart, RestartDriver
from sidecar.config.settings import EtcdSettings, NetworkSettings, NodeSettings, ProcessSettings, Settings
from sidecar.config.table import Bootstrap, LogFormat, LogLevel, OnRemoved
from sidecar.config.values import Address

__all__ = [
    "Address",
    "Bootstrap",
    "EtcdSettings",
    "LogFormat",
    "LogLevel",
    "NetworkSettings",
    "NodeSettings",
    "OnRemoved",
    "ProcessSettings",
    "Restart",
    "RestartDriver",
    "Settings",
    "load",
    "load_admin",
    "load_network",
]
