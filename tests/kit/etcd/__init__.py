"""etcd for the tests: real servers, fixtures that start them, and a client that is not the product's.

Belongs here: what a test needs of an etcd. Forbidden here: the store in memory (`tests.fakes`).
"""
