"""What the sidecar was told: settings from flags, the environment and ``sidecar.toml``.

Belongs here: the one table of settings (``table``), how a text becomes a value (``values``), where
texts come from (``sources``, ``toml``), and the frozen objects that come out (``settings``).
Forbidden here: reading anything at import, touching etcd or the network's rules, and a second list
of settings: flags, variables, keys and help all come from the table.
"""

from sidecar.config.loading import load, load_admin, load_network
from sidecar.config.restart_modes import Restart, RestartDriver
from sidecar.config.settings import EtcdAccess, NetworkSettings, Settings
from sidecar.config.table import Bootstrap, LogFormat, LogLevel, OnRemoved
from sidecar.config.values import Address

__all__ = [
    "Address",
    "Bootstrap",
    "EtcdAccess",
    "LogFormat",
    "LogLevel",
    "NetworkSettings",
    "OnRemoved",
    "Restart",
    "RestartDriver",
    "Settings",
    "load",
    "load_admin",
    "load_network",
]
