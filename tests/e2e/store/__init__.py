"""etcd and the leader that is elected through it: outages, TLS and users, succession.

Belongs here: each of these end to end. Forbidden here: the client of etcd alone (`tests.adapters.etcd`).
"""
