"""Commands of one node: run, gate, reload, health, check.

Belongs here: what starts, asks or checks the sidecar of this machine. Forbidden here: reading the network
from etcd (`inspect`).
"""
