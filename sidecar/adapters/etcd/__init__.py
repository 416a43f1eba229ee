"""The store on a real etcd (3.4 and later), through the JSON gateway of its API.

Only this package names ``etcd3gw``. `EtcdStore` is the door. Unary calls go through ``etcd3gw`` in
worker threads (`transport`), with a token (`auth`), over rotating endpoints and within a deadline (`caller`).
The watch stream (`watch`) is our own, over aiohttp. Pure parts: `codec` (values to JSON and back),
`watch.frames`, `watch.feed`, `endpoints` (which one is used), `errors` (what etcd's errors mean).

Forbidden: repeating a call that may have changed something, waiting without a deadline, and etcd3gw's
``watch*``, ``Lock`` and ``lease.refresh`` (they swallow errors, leak leases, and hang on compaction).
"""

from sidecar.adapters.etcd.store import EtcdStore
from sidecar.config import EtcdSettings

__all__ = ["EtcdSettings", "EtcdStore"]
