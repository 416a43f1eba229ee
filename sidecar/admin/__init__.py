"""The admin API: what one sidecar knows, over HTTP, for people, probes and Prometheus.

Belongs here: turning a `sidecar.domain.node.status.Status` into answers. It is imported after the child
has started, as aiohttp's server is not small.
Forbidden here: changing anything (there is no POST), waiting for anything, and seeing more of the
sidecar than its `Status`.
"""
