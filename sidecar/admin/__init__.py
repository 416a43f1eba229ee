"""The admin API: the status of one sidecar over HTTP, for people, probes and Prometheus.

Belongs here: turning a `sidecar.domain.node.status.Status` into responses. It is imported after the
process has started, as aiohttp's server is not small.
Forbidden here: changing anything (there is no POST), waiting for anything, and using more of the
sidecar than its `Status`.
"""
