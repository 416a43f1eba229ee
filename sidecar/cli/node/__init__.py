"""Commands of one node: run, gate, reload, health, check.

Belongs here: what starts, queries or checks the sidecar on this machine. Forbidden here: reading the network
from etcd (`inspect`).
"""
