"""What has to hold before the sidecar is executed anew: else its next life would not come up, or not here.

A lease, a lock, a process and a leadership go on; so the next life has to be of the same node. And what it
would end of at its start is better said by this life, which goes on as it is.
"""

from __future__ import annotations

from sidecar.adapters.files.config_file import LocalFile
from sidecar.adapters.files.state_folder import LocalState
from sidecar.adapters.probes.choose import parse_probe
from sidecar.admin.listening import listen
from sidecar.config import Settings
from sidecar.config.restarts import ChildRestart
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.identity import Identity
from sidecar.domain.node.view import Known
from sidecar.wiring.identity import identify
from sidecar.wiring.managed_process import require_command
from sidecar.wiring.stores import etcd_settings


async def check_next_life(now: Settings, later: Settings, here: Identity) -> None:
    """Raise `SidecarError` where a life on the settings ``later`` could not go on from one on ``now``.

    ``here`` is who this node is.
    """
    for name, before, after in (
        ("network", now.network, later.network),
        ("file", now.file.absolute(), later.file.absolute()),
        ("state_dir", now.state_dir.absolute(), later.state_dir.absolute()),
        ("role", now.role, later.role),
    ):
        _require_same(name, before, after)
    etcd_settings(later.access).check_files()
    if later.health is not None:
        parse_probe(later.health)
    if isinstance(later.restart, ChildRestart):
        require_command(later.restart)
    would_be = await _identity(later)
    _require_same("NodeID", here.node_id, would_be.node_id)
    _require_same("URL", here.url, would_be.url)
    if later.admin and (now.admin is None or later.admin.port != now.admin.port):
        listen(later.admin).close()


def _require_same(name: str, before: object, after: object) -> None:
    if before != after:
        raise BadConfiguration(
            f"{name}: is {before} here, and would be {after}; stop the sidecar, and start it for that"
        )


async def _identity(later: Settings) -> Identity:
    """Who this node is by the settings ``later`` and its file. Raises `BadFile` where that is unreadable."""
    document = await LocalFile(later.file, later.role).read()
    state = LocalState(later.state_dir.absolute(), later.file.name)
    remembered = await state.last_known_good()
    return identify(later, document, Known(*remembered) if remembered else None)
