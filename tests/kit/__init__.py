"""The test kit: real nodes, etcd servers and processes that a test can start, kill and inspect.

Belongs here: what several test packages need to run the sidecar from outside: a node and its network, the
process next to it (`app`), etcd servers and an independent client for them, ports, certificates, waiting.
Forbidden here: tests, fakes (`tests.fakes`), builders of domain values (`tests.builders`), and what only one
platform needs (`tests.platforms`).
"""
