"""What must hold before the sidecar re-executes itself, so that the next execution starts, and here.

The lease, the lock, the process and the leadership continue, so the next execution must be the same node.
What would end it at its start is better reported by this execution, which keeps running.
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
    """Raise `SidecarError` if an execution with the settings ``new`` could not take over from ``current``.

    ``identity`` is that of this node.
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
            f"{name}: cannot change from {before} to {after} by a reload; stop the sidecar and start it again"
        )


async def _identity_with(new: Settings) -> Identity:
    """Which node this is by the settings ``new`` and its file. Raises `BadFile` if that is unreadable."""
    document = await LocalFile(new.node.file, new.node.role).read()
    state = LocalStateFolder(new.node.state_dir.absolute(), new.node.file.name)
    loaded = await state.load_last_known_good()
    return identify(new.node, document, VersionedServers(*loaded) if loaded else None)
