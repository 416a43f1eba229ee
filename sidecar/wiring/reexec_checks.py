"""What has to hold before the sidecar is executed anew: else its next life would not come up, or not here.

A lease, a lock, a process and a leadership go on; so the next life has to be of the same node. And what it
would end of at its start is better said by this life, which goes on as it is.
"""

from __future__ import annotations

from sidecar.adapters.files.config_file import LocalFile
from sidecar.adapters.files.state_folder import LocalStateFolder
from sidecar.adapters.probes.choose import parse_probe
from sidecar.admin.listening import listen
from sidecar.config import Settings
from sidecar.config.restart_modes import ChildRestart
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.identity import Identity
from sidecar.domain.records.canonical import VersionedServers
from sidecar.wiring.identity import identify
from sidecar.wiring.managed_process import require_command
from sidecar.wiring.stores import etcd_settings


async def check_new_settings(current: Settings, new: Settings, identity: Identity) -> None:
    """Raise `SidecarError` where a life on the settings ``new`` could not go on from one on ``current``.

    ``identity`` is who this node is.
    """
    for name, before, after in (
        ("network", current.network, new.network),
        ("file", current.file.absolute(), new.file.absolute()),
        ("state_dir", current.state_dir.absolute(), new.state_dir.absolute()),
        ("role", current.role, new.role),
    ):
        _require_same(name, before, after)
    etcd_settings(new.access).check_files()
    if new.health is not None:
        parse_probe(new.health)
    if isinstance(new.restart, ChildRestart):
        require_command(new.restart)
    would_be = await _identity_with(new)
    _require_same("NodeID", identity.node_id, would_be.node_id)
    _require_same("URL", identity.url, would_be.url)
    if new.admin and (current.admin is None or new.admin.port != current.admin.port):
        listen(new.admin).close()


def _require_same(name: str, before: object, after: object) -> None:
    if before != after:
        raise BadConfiguration(
            f"{name}: is {before} here, and would be {after}; stop the sidecar, and start it for that"
        )


async def _identity_with(new: Settings) -> Identity:
    """Who this node is by the settings ``new`` and its file. Raises `BadFile` where that is unreadable."""
    document = await LocalFile(new.file, new.role).read()
    state = LocalStateFolder(new.state_dir.absolute(), new.file.name)
    remembered = await state.load_last_known_good()
    return identify(new, document, VersionedServers(*remembered) if remembered else None)
