"""The adapters that the settings mean, as the loops' `Dependencies`."""

from __future__ import annotations

import time
from contextlib import AbstractAsyncContextManager

from sidecar.adapters.etcd import EtcdStore
from sidecar.adapters.probes.choose import choose_probe
from sidecar.adapters.probes.newcomer import probe_newcomer
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.agent.dependencies import Dependencies
from sidecar.config import EtcdSettings, Settings
from sidecar.domain.identity import Identity
from sidecar.domain.node.health import ProbeSchedule
from sidecar.ports import ConfigFile, Probe, StateFolder, Store
from sidecar.wiring.managed_process import ManagedProcess


def open_store(settings: EtcdSettings) -> AbstractAsyncContextManager[Store]:
    """The etcd of ``settings``, as a context that closes its connections."""
    return EtcdStore(settings)


def build_dependencies(
    settings: Settings,
    identity: Identity,
    *,
    store: Store,
    file: ConfigFile,
    state: StateFolder,
    process: ManagedProcess,
) -> Dependencies:
    """The adapters that are open already, and the probes."""
    return Dependencies(
        store=store,
        file=file,
        state=state,
        process=process,
        probe=_build_probe(settings, identity, process),
        probe_newcomer=probe_newcomer,
        wall=time.time,
        probe_schedule=ProbeSchedule(settings.health.interval, settings.health.threshold),
        restarter=process if isinstance(process, ExternalProcess) else None,
    )


def _build_probe(settings: Settings, identity: Identity, process: ManagedProcess) -> Probe:
    return choose_probe(
        settings.health.probe,
        own_url=identity.url,
        state=lambda: process.state,
        platform=process if isinstance(process, ExternalProcess) else None,
        timeout=settings.health.timeout,
    )
