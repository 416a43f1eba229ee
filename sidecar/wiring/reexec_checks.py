"""What has to hold before the sidecar is executed anew: else its next life would not come up, or not here.

A lease, a lock, a process and a leadership go on; so the next life has to be of the same node. And what it
would end of at its start is better said by this life, which goes on as it is.
"""

from __future__ import annotations

from collections.abc import Callable

from sidecar.adapters.etcd.certificates import check_certificates
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
from sidecar.wiring.reexec import require_program


async def check_reexec(
    settings: Settings, reload_settings: Callable[[], Settings] | None, identity: Identity
) -> None:
    """Raise `SidecarError` if the next execution could not start, or would be another node."""
    await require_program()
    if reload_settings:
        await check_new_settings(settings, reload_settings(), identity)


async def check_new_settings(current: Settings, new: Settings, identity: Identity) -> None:
    """Raise `SidecarError` where a life on the settings ``new`` could not go on from one on ``current``.

    ``identity`` is who this node is.
    """
    for name, before, after in (
        ("network", current.network, new.network),
        ("file", current.node.file.absolute(), new.node.file.absolute()),
        ("state_dir", current.node.state_dir.absolute(), new.node.state_dir.absolute()),
        ("role", current.node.role, new.node.role),
    ):
        _require_same(name, before, after)
    check_certificates(new.etcd)
    if new.health.probe is not None:
        parse_probe(new.health.probe)
    if isinstance(new.process.restart, ChildRestart):
        require_command(new.process.restart)
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
    document = await LocalFile(new.node.file, new.node.role).read()
    state = LocalStateFolder(new.node.state_dir.absolute(), new.node.file.name)
    remembered = await state.load_last_known_good()
    return identify(new.node, document, VersionedServers(*remembered) if remembered else None)
