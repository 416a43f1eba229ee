"""The store on a real etcd (3.4 and later), through the JSON gateway of its API.

Nobody else names ``etcd3gw``. `EtcdStore` is the door. Unary calls go through ``etcd3gw`` (`sessions`) in
worker threads (`poster`), with a token (`auth`), over rotating endpoints and within a deadline (`unary`). The
watch stream (`watch`, `streams`) is our own, over aiohttp, imported at the first watch and not before. Pure
parts: `codec` (values to JSON and back), `frames` (bytes to JSON documents), `feed` (watch documents to
batches), `endpoints` (whose turn it is), `failures` (what etcd's errors mean).

Forbidden: repeating a call that may have changed something, waiting without a deadline, and etcd3gw's
``watch*``, ``Lock`` and ``lease.refresh`` (they swallow errors, leak leases, and hang on compaction).
"""

from sidecar.adapters.etcd.client import EtcdStore
from sidecar.adapters.etcd.settings import EtcdSettings

__all__ = ["EtcdSettings", "EtcdStore"]
