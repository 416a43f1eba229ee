"""The store contract: what every store does, in memory and on a real etcd.

Belongs here: what the product relies on in a store. Forbidden here: etcd's own details
(`tests.adapters.etcd`).
"""
