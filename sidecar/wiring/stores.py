"""The etcd that the settings name."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.config import EtcdAccess
from sidecar.ports import Store


def open_store(access: EtcdAccess) -> AbstractAsyncContextManager[Store]:
    """The etcd that ``access`` names, as a context that closes its connections."""
    return EtcdStore(etcd_settings(access))


def etcd_settings(access: EtcdAccess) -> EtcdSettings:
    """The same as the adapter has it."""
    return EtcdSettings(
        endpoints=access.endpoints,
        ca=access.ca,
        cert=access.cert,
        key=access.key,
        user=access.user,
        password=access.password,
    )
