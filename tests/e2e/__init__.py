"""Real sidecars, as subprocesses, on a real etcd, next to real processes.

Belongs here: what a user is promised, seen from outside: files, processes, exit codes, logs, the admin
API, and what stands in etcd (read with a client of our own, `gateway`, not with the product's).
Forbidden here: calling the product's code, and waiting for a time instead of a condition.
"""
