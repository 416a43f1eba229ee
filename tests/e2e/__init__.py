"""Real sidecars as subprocesses, on a real etcd, next to real processes.

Belongs here: what a user relies on, as seen from outside: files, processes, exit codes, logs, the admin API,
and the keys in etcd, read with an independent client (`tests.kit.etcd.gateway`). Forbidden here: calling the
product's code, and waiting for a time instead of a condition.
"""
