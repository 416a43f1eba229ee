"""What has to hold before the sidecar is executed anew: else its next life would not come up, or not here.

A lease, a lock, a process and a leadership go on; so the next life has to be of the same node. And what it
would end of at its start is better said by this life, which goes on as it is.
"""

from __future__ import annotations

from pathlib import Path

from sidecar.adapters.files.config_file import LocalFile
from sidecar.adapters.files.state_folder import LocalState
from sidecar.adapters.probes.choose import parse_probe
from sidecar.admin.listening import listen
from sidecar.config import Settings
from sidecar.config.restarts import ChildRestart
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.identity import Identity
from sidecar.domain.view import Known
from sidecar.wiring.identity import identify
from sidecar.wiring.processes import require_command
from sidecar.wiring.stores import etcd_settings

_MOVE = "stop the sidecar, and start it for that"


async def check_next_life(now: Settings, later: Settings, here: Identity) -> None:
    """Raise `SidecarError` where a life on the settings ``later`` could not go on from one on ``now``.

    ``here`` is who this node is.
    """
    _require_same_place(now, later)
    etcd_settings(later.access).check_files()
    if later.health is not None:
        parse_probe(later.health)
    if isinstance(later.restart, ChildRestart):
        require_command(later.restart)
    await _require_same_node(later, here)
    if later.admin and (now.admin is None or later.admin.port != now.admin.port):
        listen(later.admin).close()


def _require_same_place(now: Settings, later: Settings) -> None:
    for name, before, after in (
        ("network", now.network, later.network),
        ("file", _absolute(now.file), _absolute(later.file)),
        ("state_dir", _absolute(now.state_dir), _absolute(later.state_dir)),
        ("role", now.role.value, later.role.value),
    ):
        if before != after:
            raise BadConfiguration(f"{name}: is {before} here, and would be {after}; {_MOVE}")


def _absolute(path: Path) -> str:
    return str(path.absolute())


async def _require_same_node(later: Settings, here: Identity) -> None:
    document = await LocalFile(later.file, later.role).read()
    state = LocalState(later.state_dir.absolute(), later.file.name)
    remembered = await state.last_known_good()
    would_be = identify(later, document, Known(*remembered) if remembered else None)
    for name, before, after in (
        ("NodeID", here.node_id, would_be.node_id),
        ("URL", here.url, would_be.url),
    ):
        if before != after:
            raise BadConfiguration(f"{name}: is {before} here, and would be {after}; {_MOVE}")
